package graft.cli.map;

import graft.cli.option.OutputFormat;
import graft.cli.output.JsonWriter;
import graft.ebpf.btf.Btf;
import graft.ebpf.btf.FormattedValue;
import graft.ebpf.btf.ValueFormatter;
import graft.ebpf.object.MapSpec;
import graft.platform.proc.ControlGroups;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Prints elements of maps, with their types where those are known. */
public final class MapRows {
    private final PrintWriter out;
    private final OutputFormat format;
    private final ValueFormatter formatter;
    private final List<String> programs;

    /**
     * @param types of the object that the maps come from
     * @param programs as arrays of programs number them, from 1
     */
    public MapRows(PrintWriter out, OutputFormat format, Optional<Btf> types, List<String> programs) {
        this.out = out;
        this.format = format;
        this.programs = List.copyOf(programs);
        this.formatter = new ValueFormatter(types);
    }

    /** The values of one element: the value of each possible CPU without padding, or the one value. */
    public static List<byte[]> values(MapSpec map, byte[] value) {
        if (!map.type().isPerProcessor()) {
            return List.of(value);
        }
        int stride = map.valueSize() + 7 & -8;
        List<byte[]> values = new ArrayList<>();
        for (int at = 0; at + stride <= value.length; at += stride) {
            values.add(Arrays.copyOfRange(value, at, at + map.valueSize()));
        }
        return values;
    }

    /** One element. */
    public void print(MapSpec map, byte[] key, List<byte[]> values) {
        printShown(map, key, shown(map, values));
    }

    /** One element whose value has a name: a map in a map, a control group. */
    public void print(MapSpec map, byte[] key, String name) {
        printShown(map, key, List.of(new FormattedValue.Text(name)));
    }

    private void printShown(MapSpec map, byte[] key, List<FormattedValue> shown) {
        switch (format) {
            case text -> out.println(text(map, key, shown));
            case json, jsonl -> out.println(json("map", map, key, shown).endObject());
        }
    }

    /** {@code counts[3] = 7}; where each CPU has a number, their sum and those that are not 0. */
    String text(MapSpec map, byte[] key, List<FormattedValue> shown) {
        return FoundSessions.printable("%s[%s] = %s".formatted(map.name(), shown(map, key), text(map, shown)));
    }

    private static String text(MapSpec map, List<FormattedValue> shown) {
        if (!map.type().isPerProcessor()) {
            return shown.stream().map(FormattedValue::toString).collect(Collectors.joining(" "));
        }
        Optional<BigInteger> sum = sum(shown);
        List<String> each = new ArrayList<>();
        for (int cpu = 0; cpu < shown.size(); cpu++) {
            if (sum.isEmpty() || !shown.get(cpu).toString().equals("0")) {
                each.add("cpu" + cpu + " " + shown.get(cpu));
            }
        }
        String all = String.join(", ", each);
        return sum.map(total -> total + (each.isEmpty() ? "" : " (" + all + ")"))
                .orElse(all);
    }

    /** An object that may have more members. */
    JsonWriter json(String type, MapSpec map, byte[] key, List<FormattedValue> shown) {
        JsonWriter json = new JsonWriter().beginObject().member("type", type).member("map", map.name());
        json.name("key").formatted(shown(map, key)).name("values").beginArray();
        shown.forEach(json::formatted);
        json.endArray();
        if (map.type().isPerProcessor()) {
            sum(shown).ifPresent(sum -> json.name("sum").formatted(new FormattedValue.Number(sum.toString())));
        }
        return json;
    }

    private FormattedValue shown(MapSpec map, byte[] key) {
        return formatter.format(key, map.keyType());
    }

    /** The directory of a control group, or its id when it is not seen. */
    public static String group(long id) {
        return ControlGroups.ofThisMachine().directory(id).map(Path::toString).orElseGet(() -> Long.toString(id));
    }

    /** Values as their type has them. */
    List<FormattedValue> shown(MapSpec map, List<byte[]> values) {
        return values.stream()
                .map(value -> switch (map.type()) {
                    case PROG_ARRAY -> program(value);
                    case CGROUP_ARRAY ->
                        new FormattedValue.Text(group(ByteBuffer.wrap(value)
                                .order(ByteOrder.nativeOrder())
                                .getLong()));
                    case STACK_TRACE -> addresses(value);
                    default -> formatter.format(value, map.valueType());
                })
                .toList();
    }

    /** Those of a trace, the innermost first, without the zeros that fill it up. */
    private static FormattedValue addresses(byte[] trace) {
        long[] all = new long[trace.length / Long.BYTES];
        ByteBuffer.wrap(trace).order(ByteOrder.nativeOrder()).asLongBuffer().get(all);
        int length = all.length;
        while (length > 0 && all[length - 1] == 0) {
            length--;
        }
        return new FormattedValue.Sequence(Arrays.stream(all, 0, length)
                .<FormattedValue>mapToObj(address -> new FormattedValue.Text("0x" + Long.toHexString(address)))
                .toList());
    }

    private FormattedValue program(byte[] value) {
        int number = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getInt();
        return number > 0 && number <= programs.size()
                ? new FormattedValue.Text(programs.get(number - 1))
                : new FormattedValue.Number(Integer.toString(number));
    }

    private static Optional<BigInteger> sum(List<FormattedValue> values) {
        boolean areWhole = values.stream()
                .allMatch(value -> value instanceof FormattedValue.Number(var digits) && digits.matches("-?[0-9]+"));
        return areWhole
                ? Optional.of(values.stream()
                        .map(value -> new BigInteger(value.toString()))
                        .reduce(BigInteger.ZERO, BigInteger::add))
                : Optional.empty();
    }
}
