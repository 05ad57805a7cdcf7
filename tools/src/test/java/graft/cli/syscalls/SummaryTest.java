package graft.cli.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.syscalls.SyscallTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

class SummaryTest {
    @Test
    void slotsMeetWithoutGapsOrOverlaps() {
        assertThat(Summary.end(0)).isEqualTo(1);
        assertThat(Summary.end(3)).isEqualTo(4);
        assertThat(Summary.end(8)).isEqualTo(5);
        assertThat(Summary.end(11)).isEqualTo(8);
        assertThat(Summary.end(12)).isEqualTo(10);
        assertThat(Summary.end(40)).isEqualTo(1280);
    }

    @Test
    void callsAreSortedByTheirTimeAndHavePercentiles() {
        byte[] read = value(3, 1, 3000, 1200, 39, 40);
        byte[] write = value(1, 0, 9000, 9000, 52, 52);
        List<String> lines =
                Summary.of(SyscallTable.x8664(), List.of(read, write)).lines();

        assertThat(lines).hasSize(4);
        assertThat(lines.get(1)).endsWith("write").contains("75.0", "9.00 µs");
        assertThat(lines.get(2)).endsWith("read").contains("1.02 µs", "1.20 µs");
        assertThat(lines.get(3)).isEqualTo("4 calls   1 errors   12.0 µs in calls");
    }

    @Test
    void jsonHasAnObjectForEachCall() {
        assertThat(Summary.of(SyscallTable.x8664(), List.of(value(1, 0, 900, 900, 39, 39)))
                        .json())
                .containsExactly("{\"type\":\"syscall_summary\",\"name\":\"read\",\"calls\":1,\"errors\":0,"
                        + "\"total_ns\":900,\"max_ns\":900,\"p50_at_most_ns\":900,\"p90_at_most_ns\":900,"
                        + "\"p99_at_most_ns\":900,\"p99_9_at_most_ns\":900}");
    }

    private static byte[] value(long calls, long errors, long total, long longest, int slot, int last) {
        ByteBuffer value = ByteBuffer.allocate(32 + 256 * 8).order(ByteOrder.LITTLE_ENDIAN);
        value.putLong(calls).putLong(errors).putLong(total).putLong(longest);
        value.putLong(32 + slot * 8, slot == last ? calls : calls - 1);
        if (slot != last) {
            value.putLong(32 + last * 8, 1);
        }
        return value.array();
    }
}
