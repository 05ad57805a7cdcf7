package graft.cli;

import graft.attach.DetachProof;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.PerCpuArrayMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.object.MapSpec;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Prints what a session's maps hold, and how it ended. Data goes to one writer, everything else to the other. */
final class MapReporter {
    private static final int NANOS_PER_MILLI = 1_000_000;

    private final PrintWriter out;
    private final PrintWriter err;
    private final OutputFormat format;

    MapReporter(OutputOptions options) {
        this.out = options.out();
        this.err = options.err();
        this.format = options.format();
    }

    /** An array of the session that the packaged program is known to have. */
    static ArrayMap array(Session session, String name) {
        return session.collection()
                .map(name)
                .filter(ArrayMap.class::isInstance)
                .map(ArrayMap.class::cast)
                .orElseThrow(() -> new AssertionError("the program has no array " + name));
    }

    /** All values of an array of counters. */
    static long[] longs(ArrayMap map) {
        return LongStream.range(0, map.spec().maxEntries())
                .map(index -> longAt(map, (int) index))
                .toArray();
    }

    static long longAt(ArrayMap map, int index) {
        return map.longAt(index);
    }

    /** Says that programs run. */
    void attached(LiveSession live) {
        err.printf(
                "attached: %d programs, %d processes%s; Ctrl-C ends%n",
                live.session().collection().programs().size(),
                live.session().attachments().size(),
                live.kernel()
                        .map(kernel -> ", %d links in the kernel".formatted(kernel.links()))
                        .orElse(""));
    }

    /** Says that programs run in the kernel. */
    void attachedToKernel(int links) {
        err.printf("attached in the kernel: %d links; Ctrl-C ends%n", links);
    }

    /** Every map of a kernel session that is not global data, but for those that are {@code known} already. */
    void kernelMaps(KernelSession session, Set<String> known) {
        session.maps().values().stream()
                .filter(map -> map.spec().content().isEmpty() && map.spec().keySize() > 0)
                .filter(map -> !map.spec().name().startsWith(".")
                        && !known.contains(map.spec().name()))
                .forEach(map -> map.keys()
                        .forEach(key -> map.lookup(key).ifPresent(value -> kernelRow(map.spec(), key, value))));
    }

    /** One element of a kernel map; per-CPU maps give all CPUs' values at once. */
    private void kernelRow(MapSpec spec, byte[] key, byte[] value) {
        int stride = (spec.valueSize() + 7) & -8;
        List<byte[]> values = value.length <= stride
                ? List.of(value)
                : IntStream.range(0, value.length / stride)
                        .mapToObj(cpu -> Arrays.copyOfRange(value, cpu * stride, cpu * stride + spec.valueSize()))
                        .toList();
        row(spec.name(), key, values);
    }

    /** Undoes, then prints every map that is not global data, then the footer. */
    void finished(LiveSession live) {
        live.detach();
        live.session().collection().maps().stream()
                .filter(map ->
                        map.spec().content().isEmpty() && !map.spec().name().startsWith("."))
                .forEach(this::print);
        live.kernel()
                .ifPresent(
                        kernel -> kernelMaps(kernel, live.session().collection().names()));
        footer(live);
    }

    private void print(BpfMap map) {
        String name = map.spec().name();
        switch (map) {
            case ArrayMap array -> {
                for (int index = 0; index < array.spec().maxEntries(); index++) {
                    byte[] value = array.value(index).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
                    row(name, key(index), List.of(value));
                }
            }
            case PerCpuArrayMap array -> {
                for (int index = 0; index < array.spec().maxEntries(); index++) {
                    int slot = index;
                    row(
                            name,
                            key(index),
                            LongStream.range(0, array.cpus())
                                    .mapToObj(cpu -> array.value((int) cpu, slot)
                                            .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                                    .toList());
                }
            }
            case HashTable table -> table.entries().forEach(entry -> row(name, entry.key(), entry.values()));
            case RingBuffer ring ->
                err.printf(
                        "%s: a ring buffer, %d records lost%n",
                        name, ring.losses().total());
        }
    }

    private static byte[] key(int index) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(index)
                .array();
    }

    private void row(String map, byte[] key, List<byte[]> values) {
        switch (format) {
            case text ->
                out.printf(
                        "%s[%s] = %s%n",
                        map,
                        text(key),
                        values.stream()
                                .map(MapReporter::text)
                                .reduce((a, b) -> a + " " + b)
                                .orElse(""));
            case json, jsonl -> {
                JsonWriter json =
                        new JsonWriter().beginObject().member("type", "map").member("map", map);
                json.member("key", text(key)).name("values").beginArray();
                values.forEach(value -> json.value(text(value)));
                out.println(json.endArray().endObject());
            }
        }
    }

    /** Integers of the usual sizes as numbers, anything else in hexadecimal. */
    private static String text(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return switch (bytes.length) {
            case 1 -> Integer.toString(bytes[0] & 0xff);
            case 2 -> Integer.toString(buffer.getShort() & 0xffff);
            case 4 -> Integer.toUnsignedString(buffer.getInt());
            case 8 -> Long.toUnsignedString(buffer.getLong());
            default -> HexFormat.of().formatHex(bytes);
        };
    }

    /** The last line: what was attached for how long, what was lost, what the undo proved. */
    void footer(LiveSession live) {
        Session session = live.session();
        List<DetachProof> proofs = session.detach();
        int sites = proofs.stream().mapToInt(DetachProof::sites).sum();
        int restored = proofs.stream().mapToInt(DetachProof::restored).sum();
        boolean clean = proofs.stream().allMatch(DetachProof::clean);
        long lost = session.collection().maps().stream()
                .filter(RingBuffer.class::isInstance)
                .mapToLong(map -> ((RingBuffer) map).losses().total())
                .sum();
        long millis = session.ageNanos() / NANOS_PER_MILLI;
        switch (format) {
            case text -> {
                err.printf(
                        "session  %d.%03d s   %d programs   %d processes   %,d lost%n",
                        millis / 1000,
                        millis % 1000,
                        session.collection().programs().size(),
                        session.attachments().size(),
                        lost);
                err.printf(
                        "  undo: %d/%d sites restored, %s%n",
                        restored, sites, clean ? "text equals the files, nothing left behind" : remains(proofs));
            }
            case json, jsonl ->
                out.println(new JsonWriter()
                        .beginObject()
                        .member("type", "footer")
                        .member("seconds", millis / 1000.0)
                        .member("lost", lost)
                        .member("sites", sites)
                        .member("restored", restored)
                        .flag("clean", clean)
                        .endObject());
        }
    }

    private static String remains(List<DetachProof> proofs) {
        StringBuilder text = new StringBuilder();
        for (DetachProof proof : proofs) {
            proof.quarantined()
                    .forEach(left -> text.append("left at ")
                            .append(left.address())
                            .append(": ")
                            .append(left.size() / 1024)
                            .append(" KiB (")
                            .append(left.reason())
                            .append(") "));
            proof.notes().forEach(note -> text.append(note).append(' '));
            if (proof.outcome() == DetachProof.Outcome.TARGET_GONE) {
                text.append("the process has ended ");
            }
        }
        return text.toString().strip();
    }
}
