package graft.daemon.control;

import graft.attach.Attachment;
import graft.daemon.PlacedLink;
import graft.daemon.Session;
import graft.daemon.image.CheckedProgram;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.StackTraceMap;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.platform.address.RemoteAddress;
import java.util.List;
import java.util.OptionalLong;

/**
 * What a session says of itself.
 *
 * @param graft process id of the graft command that it belongs to
 * @param object what the programs come from
 * @param ageNanos how long ago it was opened
 * @param btf the object's types, empty without
 * @param called programs that others may call, as arrays of programs number them from 1
 */
public record SessionView(
        int graft,
        String object,
        long ageNanos,
        byte[] btf,
        List<Integer> pids,
        List<MapView> maps,
        List<ProgView> progs,
        List<LinkView> links,
        List<String> called) {
    public SessionView {
        pids = List.copyOf(pids);
        maps = List.copyOf(maps);
        progs = List.copyOf(progs);
        links = List.copyOf(links);
        called = List.copyOf(called);
    }

    /**
     * A map.
     *
     * @param spec without content and slots
     * @param entries elements in it; nothing where they are not counted
     * @param bytes of memory that it may take
     */
    public record MapView(MapSpec spec, OptionalLong entries, long bytes) {}

    /**
     * A program.
     *
     * @param insns bytecode slots
     * @param links places where it runs
     * @param code bytes of machine code, in one process
     */
    public record ProgView(String name, String section, String type, int insns, int links, int code) {}

    /**
     * A program at a place.
     *
     * @param address the probed instruction; 0 for a system call, which is made in many places
     */
    public record LinkView(int pid, String prog, String place, long address, long cookie) {}

    static SessionView of(Session session) {
        CollectionSpec object = session.collection().spec();
        List<PlacedLink> placed = session.placed();
        return new SessionView(
                Math.toIntExact(ProcessHandle.current().pid()),
                object.origin(),
                session.ageNanos(),
                object.btf().map(CollectionSpec.BtfBytes::bytes).orElseGet(() -> new byte[0]),
                List.copyOf(session.pids()),
                session.collection().maps().stream().map(SessionView::map).toList(),
                session.collection().programs().values().stream()
                        .map(prog -> prog(prog, placed, session.attachments()))
                        .toList(),
                placed.stream().map(SessionView::link).toList(),
                session.collection().tailPrograms().stream()
                        .map(program -> program.spec().name())
                        .toList());
    }

    private static MapView map(BpfMap map) {
        return new MapView(map.spec(), entries(map), map.regionSize());
    }

    private static OptionalLong entries(BpfMap map) {
        try {
            return switch (map) {
                case HashTable hash -> OptionalLong.of(hash.count());
                case LpmTrie trie -> OptionalLong.of(trie.keys().size());
                case TaskStorageMap storage -> OptionalLong.of(storage.threads().size());
                case StackTraceMap traces -> OptionalLong.of(traces.keys().size());
                case QueueMap queue -> OptionalLong.of(queue.values().size());
                default -> OptionalLong.empty(); // arrays are always full, the others have no elements
            };
        } catch (DamagedMapException _) {
            return OptionalLong.empty(); // whoever reads it says so
        }
    }

    private static ProgView prog(CheckedProgram prog, List<PlacedLink> placed, List<Attachment> attachments) {
        String name = prog.spec().name();
        return new ProgView(
                name,
                prog.spec().section(),
                prog.spec().type().name().toLowerCase(java.util.Locale.ROOT),
                prog.spec().insns().slots(),
                (int) placed.stream()
                        .filter(link -> link.program().equals(name))
                        .count(),
                attachments.stream()
                        .flatMap(attachment -> ProgText.blocks(attachment, name))
                        .mapToInt(block -> block.code().length())
                        .findFirst()
                        .orElse(0));
    }

    private static LinkView link(PlacedLink link) {
        return new LinkView(
                link.pid(),
                link.program(),
                link.place(),
                link.address().map(RemoteAddress::value).orElse(0L),
                link.cookie());
    }
}
