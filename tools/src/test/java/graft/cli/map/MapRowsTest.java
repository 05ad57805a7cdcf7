package graft.cli.map;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.option.OutputFormat;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MapRowsTest {
    private static final MapSpec EACH = MapSpec.of("each", MapType.PERCPU_ARRAY, 4, 4, 1);

    private static String printed(OutputFormat format, MapSpec map, byte[] value) {
        StringWriter out = new StringWriter();
        new MapRows(new PrintWriter(out), format, Optional.empty(), List.of())
                .print(map, new byte[] {3, 0, 0, 0}, MapRows.values(map, value));
        return out.toString().strip();
    }

    private static byte[] each(int... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : values) {
            bytes.putInt(value).putInt(0x7777_7777); // padding
        }
        return bytes.array();
    }

    @Test
    void numbersOfProcessorsAreSummedAndThoseThatHaveOneAreShown() {
        assertThat(printed(OutputFormat.text, EACH, each(5, 0, 7))).isEqualTo("each[3] = 12 (cpu0 5, cpu2 7)");
        assertThat(printed(OutputFormat.text, EACH, each(0, 0))).isEqualTo("each[3] = 0");
        assertThat(printed(OutputFormat.jsonl, EACH, each(5, 0, -1)))
                .isEqualTo("{\"type\":\"map\",\"map\":\"each\",\"key\":3,\"values\":[5,0,4294967295],"
                        + "\"sum\":4294967300}");
    }

    @Test
    void whatIsNoNumberHasNoSum() {
        MapSpec wide = MapSpec.of("wide", MapType.PERCPU_ARRAY, 4, 3, 1);
        assertThat(printed(OutputFormat.text, wide, each(1, 2))).isEqualTo("wide[3] = cpu0 0x010000, cpu1 0x020000");
        assertThat(printed(OutputFormat.json, wide, each(1, 2))).doesNotContain("sum");
    }

    @Test
    void tracesAreAddresses() {
        MapSpec traces = MapSpec.of("traces", MapType.STACK_TRACE, 4, 4 * Long.BYTES, 1);
        byte[] trace = ByteBuffer.allocate(4 * Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0x5601_26eb_64a0L)
                .putLong(0)
                .putLong(0x1042)
                .array();
        assertThat(printed(OutputFormat.text, traces, trace)).isEqualTo("traces[3] = [0x560126eb64a0, 0x0, 0x1042]");
        assertThat(printed(OutputFormat.jsonl, traces, trace))
                .contains("\"values\":[[\"0x560126eb64a0\",\"0x0\",\"0x1042\"]]");
    }

    @Test
    void textsDoNotSteerTheTerminal() {
        assertThat(FoundSessions.printable("a\u001b[31m\nb")).isEqualTo("a\\x1b[31m\\x0ab");
    }
}
