package graft.cli;

import graft.bridge.KernelMap;
import graft.cli.map.DividedMap;
import graft.cli.map.MapRows;
import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.Footer;
import graft.daemon.KernelSession;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.TailPrograms;
import graft.ebpf.btf.Btf;
import graft.ebpf.maps.ArenaMap;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BloomFilter;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.CgroupArray;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.MapOfMaps;
import graft.ebpf.maps.PerCpuArrayMap;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.StackTraceMap;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.maps.UserRingBuffer;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;

/** Prints what a session's maps hold, and how it ended. Data goes to one writer, everything else to the other. */
final class MapReporter {
    private static final int BATCH = 256;

    private final PrintWriter out;
    private final PrintWriter err;
    private final OutputFormat format;
    private final MapRows rows;
    private int told;

    /** @param object whose maps are printed, with their types if it has any */
    MapReporter(OutputOptions options, CollectionSpec object) {
        this.out = options.out();
        this.err = options.err();
        this.format = options.format();
        this.rows = new MapRows(
                out, format, object.btf().map(CollectionSpec.BtfBytes::bytes).map(Btf::parse), TailPrograms.of(object));
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

    /** Shows what programs print from here on. */
    void opened(LiveSession live) {
        live.show(out, format);
    }

    /** The same, and says that programs run. */
    void attached(LiveSession live) {
        opened(live);
        leftOut(live);
        live.session().unloaded().forEach(place -> err.printf("waiting for the library of %s%n", place));
        err.printf(
                "attached: %d programs, %d processes%s; Ctrl-C ends%n",
                live.session().collection().programs().keySet().stream()
                        .filter(MapReporter::isForPeople)
                        .count(),
                live.session().pids().size(),
                live.kernel()
                        .map(kernel -> ", %d links in the kernel".formatted(kernel.links()))
                        .orElse(""));
    }

    /** Places that a pattern or system call leads to, but that cannot be probed: those that were not told yet. */
    void leftOut(LiveSession live) {
        List<SessionRefusal.SiteRefused> all = live.session().skipped();
        all.subList(told, all.size())
                .forEach(left -> err.printf("left out %s (pid %d): %s%n", left.site(), left.pid(), left.why()));
        told = all.size();
    }

    /** Says that programs run in the kernel. */
    void attachedToKernel(int links) {
        err.printf("attached in the kernel: %d links; Ctrl-C ends%n", links);
    }

    /** Every map of a kernel session that is not global data, but for those that are {@code known} already. */
    void kernelMaps(KernelSession session, Set<String> known) {
        session.maps().values().stream()
                .filter(map -> isPrinted(map.spec()) && map.spec().keySize() > 0)
                .filter(map -> map.spec().type() != MapType.TASK_STORAGE) // which the kernel does not list
                .filter(map -> !known.contains(map.spec().name()))
                .forEach(map -> DividedMap.of(map, session.maps())
                        .ifPresentOrElse(divided -> print(map.spec(), divided), () -> print(map)));
    }

    private void print(KernelMap map) {
        map.keys().forEach(key -> map.lookup(key).ifPresent(value -> kernelRow(map.spec(), key, value)));
    }

    private void print(MapSpec spec, DividedMap map) {
        map.elements().forEach(element -> rows.print(spec, element.key(), List.of(element.value())));
    }

    /** One element of a kernel map; per-CPU maps give all CPUs' values at once. */
    private void kernelRow(MapSpec spec, byte[] key, byte[] value) {
        rows.print(spec, key, MapRows.values(spec, value));
    }

    /** Undoes, says what was left out on the way, then prints every map that is not global data, then the footer. */
    void finished(LiveSession live) {
        live.detach();
        leftOut(live);
        live.session().collection().maps().stream()
                .filter(map -> isPrinted(map.spec()))
                .forEach(map -> DividedMap.of(map, live.session().collection()::map)
                        .ifPresentOrElse(divided -> print(map.spec(), divided), () -> print(map)));
        live.kernel()
                .ifPresent(
                        kernel -> kernelMaps(kernel, live.session().collection().names()));
        footer(live);
    }

    /** Global data, what graft adds, and what a program or its loader keeps for itself, with two underscores, is not. */
    private static boolean isPrinted(MapSpec map) {
        return map.content().isEmpty() && isForPeople(map) && !map.name().startsWith("__");
    }

    static boolean isForPeople(MapSpec map) {
        return isForPeople(map.name());
    }

    /** What graft adds has a dot in front. */
    private static boolean isForPeople(String name) {
        return !name.startsWith(".");
    }

    private void print(BpfMap map) {
        switch (map) {
            case ArrayMap array -> print(array);
            case PerCpuArrayMap array -> {
                for (int index = 0; index < array.spec().maxEntries(); index++) {
                    int slot = index;
                    rows.print(
                            map.spec(),
                            key(index),
                            LongStream.range(0, array.cpus())
                                    .mapToObj(cpu -> array.value((int) cpu, slot)
                                            .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                                    .toList());
                }
            }
            case HashTable table ->
                table.entries().forEach(entry -> rows.print(map.spec(), entry.key(), entry.values()));
            case ArenaMap arena ->
                err.printf(
                        "%s: an arena of %d pages from 0x%x%n",
                        map.spec().name(), map.spec().maxEntries(), arena.area().start());
            case LpmTrie trie ->
                trie.keys()
                        .forEach(key ->
                                trie.lookup(key).ifPresent(value -> rows.print(map.spec(), key, List.of(value))));
            case StackTraceMap traces ->
                traces.keys()
                        .forEach(key ->
                                traces.lookup(key).ifPresent(value -> rows.print(map.spec(), key, List.of(value))));
            case TaskStorageMap storage ->
                storage.threads()
                        .forEach(thread -> storage.lookup(thread)
                                .ifPresent(value -> rows.print(map.spec(), key(thread), List.of(value))));
            case QueueMap queue -> {
                List<byte[]> values = queue.values();
                for (int position = 0; position < values.size(); position++) {
                    rows.print(map.spec(), key(position), List.of(values.get(position)));
                }
            }
            case MapOfMaps maps ->
                maps.keys()
                        .forEach(key -> maps.map(key)
                                .ifPresent(inner ->
                                        rows.print(map.spec(), key, inner.spec().name())));
            case CgroupArray groups -> print(groups);
            case BloomFilter filter ->
                err.printf("%s: a bloom filter of %d bits%n", map.spec().name(), filter.bits());
            case UserRingBuffer ring ->
                err.printf(
                        "%s: a user ring buffer, %d bytes not taken%n",
                        map.spec().name(), ring.pending());
            case RingBuffer ring -> unread(ring);
            case PerfBuffers buffers -> unread(buffers);
        }
    }

    private void print(ArrayMap array) {
        for (int index = 0; index < array.spec().maxEntries(); index++) {
            byte[] value = array.value(index).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
            rows.print(array.spec(), key(index), List.of(value));
        }
    }

    private void print(CgroupArray groups) {
        for (int index = 0; index < groups.spec().maxEntries(); index++) {
            byte[] key = key(index);
            groups.id(index).ifPresent(id -> rows.print(groups.spec(), key, MapRows.group(id)));
        }
    }

    private void unread(RingBuffer ring) {
        long records = 0;
        for (int more = ring.drain(_ -> {}, BATCH); more > 0; more = ring.drain(_ -> {}, BATCH)) {
            records += more;
        }
        err.printf("%s: a ring buffer, %d records not read%n", ring.spec().name(), records);
    }

    private void unread(PerfBuffers buffers) {
        int records = buffers.reader().drain((_, _) -> {}, Integer.MAX_VALUE);
        err.printf(
                "%s: perf buffers of %d processors, %d records not read%n",
                buffers.spec().name(), buffers.cpus(), records);
    }

    private static byte[] key(int index) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(index)
                .array();
    }

    /** The last line: what was attached for how long, what was lost, what the undo proved. */
    void footer(LiveSession live) {
        Footer footer = SessionFooter.of(live);
        switch (format) {
            case text -> footer.lines().forEach(err::println);
            case json, jsonl -> out.println(footer.json());
        }
    }
}
