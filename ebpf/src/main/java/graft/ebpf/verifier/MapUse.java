package graft.ebpf.verifier;

import static java.util.Map.entry;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Which helpers work on which types of maps, and what they do with values. */
final class MapUse {
    /** Types that only these helpers take; a type that is not here takes every helper that does not ask for another. */
    private static final Map<MapType, Set<Integer>> ONLY = Map.ofEntries(
            entry(MapType.PROG_ARRAY, Set.of(12)),
            entry(MapType.PERF_EVENT_ARRAY, Set.of(22, 25, 55, 111, 121)),
            entry(MapType.RINGBUF, Set.of(130, 131, 134, 198)),
            entry(MapType.USER_RINGBUF, Set.of(209)),
            entry(MapType.STACK_TRACE, Set.of(27)),
            entry(MapType.CGROUP_ARRAY, Set.of(33, 37)),
            entry(MapType.CGROUP_STORAGE, Set.of(81)),
            entry(MapType.PERCPU_CGROUP_STORAGE, Set.of(81)),
            entry(MapType.DEVMAP, Set.of(1, 51)),
            entry(MapType.DEVMAP_HASH, Set.of(1, 51)),
            entry(MapType.CPUMAP, Set.of(51)),
            entry(MapType.XSKMAP, Set.of(1, 51)),
            entry(MapType.ARRAY_OF_MAPS, Set.of(1)),
            entry(MapType.HASH_OF_MAPS, Set.of(1)),
            entry(MapType.SOCKMAP, Set.of(1, 2, 3, 52, 53, 60, 82)),
            entry(MapType.SOCKHASH, Set.of(1, 2, 3, 70, 71, 72, 82)),
            entry(MapType.REUSEPORT_SOCKARRAY, Set.of(82)),
            entry(MapType.QUEUE, Set.of(87, 88, 89)),
            entry(MapType.STACK, Set.of(87, 88, 89)),
            entry(MapType.BLOOM_FILTER, Set.of(87, 89)),
            entry(MapType.SK_STORAGE, Set.of(107, 108, 194)),
            entry(MapType.INODE_STORAGE, Set.of(145, 146, 194)),
            entry(MapType.TASK_STORAGE, Set.of(156, 157, 194, 65539)),
            entry(MapType.CGRP_STORAGE, Set.of(210, 211, 194)),
            entry(MapType.ARENA, Set.of(131094, 131095, 131096)),
            entry(MapType.INSN_ARRAY, Set.of()),
            entry(MapType.STRUCT_OPS, Set.of()));

    private static final Set<MapType> EVENTS = EnumSet.of(MapType.PERF_EVENT_ARRAY);
    private static final Set<MapType> RINGS = EnumSet.of(MapType.RINGBUF);
    private static final Set<MapType> GROUPS = EnumSet.of(MapType.CGROUP_ARRAY);
    private static final Set<MapType> QUEUES = EnumSet.of(MapType.QUEUE, MapType.STACK);
    private static final Set<MapType> QUEUES_AND_FILTERS =
            EnumSet.of(MapType.QUEUE, MapType.STACK, MapType.BLOOM_FILTER);

    /** Helpers that only work on these types. */
    private static final Map<Integer, Set<MapType>> NEEDED = Map.ofEntries(
            entry(12, EnumSet.of(MapType.PROG_ARRAY)),
            entry(22, EVENTS),
            entry(25, EVENTS),
            entry(55, EVENTS),
            entry(111, EVENTS),
            entry(121, EVENTS),
            entry(130, RINGS),
            entry(131, RINGS),
            entry(134, RINGS),
            entry(198, RINGS),
            entry(209, EnumSet.of(MapType.USER_RINGBUF)),
            entry(27, EnumSet.of(MapType.STACK_TRACE)),
            entry(33, GROUPS),
            entry(37, GROUPS),
            entry(51, EnumSet.of(MapType.DEVMAP, MapType.DEVMAP_HASH, MapType.CPUMAP, MapType.XSKMAP)),
            entry(52, EnumSet.of(MapType.SOCKMAP)),
            entry(53, EnumSet.of(MapType.SOCKMAP)),
            entry(60, EnumSet.of(MapType.SOCKMAP)),
            entry(70, EnumSet.of(MapType.SOCKHASH)),
            entry(71, EnumSet.of(MapType.SOCKHASH)),
            entry(72, EnumSet.of(MapType.SOCKHASH)),
            entry(81, EnumSet.of(MapType.CGROUP_STORAGE, MapType.PERCPU_CGROUP_STORAGE)),
            entry(82, EnumSet.of(MapType.REUSEPORT_SOCKARRAY, MapType.SOCKMAP, MapType.SOCKHASH)),
            entry(87, QUEUES_AND_FILTERS),
            entry(88, QUEUES),
            entry(89, QUEUES_AND_FILTERS),
            entry(195, EnumSet.of(MapType.PERCPU_ARRAY, MapType.PERCPU_HASH, MapType.LRU_PERCPU_HASH)),
            entry(107, EnumSet.of(MapType.SK_STORAGE)),
            entry(108, EnumSet.of(MapType.SK_STORAGE)),
            entry(145, EnumSet.of(MapType.INODE_STORAGE)),
            entry(146, EnumSet.of(MapType.INODE_STORAGE)),
            entry(156, EnumSet.of(MapType.TASK_STORAGE)),
            entry(157, EnumSet.of(MapType.TASK_STORAGE)),
            entry(65539, EnumSet.of(MapType.TASK_STORAGE)),
            entry(131094, EnumSet.of(MapType.ARENA)),
            entry(131095, EnumSet.of(MapType.ARENA)),
            entry(131096, EnumSet.of(MapType.ARENA)),
            entry(210, EnumSet.of(MapType.CGRP_STORAGE)),
            entry(211, EnumSet.of(MapType.CGRP_STORAGE)));

    /** What helpers of a target process can look up and change. */
    private static final Set<MapType> IN_TARGET = EnumSet.of(
            MapType.ARENA,
            MapType.HASH,
            MapType.ARRAY,
            MapType.PERCPU_HASH,
            MapType.PERCPU_ARRAY,
            MapType.LRU_HASH,
            MapType.LRU_PERCPU_HASH,
            MapType.LPM_TRIE,
            MapType.PROG_ARRAY,
            MapType.PERF_EVENT_ARRAY,
            MapType.QUEUE,
            MapType.STACK,
            MapType.BLOOM_FILTER,
            MapType.STACK_TRACE,
            MapType.ARRAY_OF_MAPS,
            MapType.HASH_OF_MAPS,
            MapType.TASK_STORAGE,
            MapType.CGROUP_ARRAY,
            MapType.USER_RINGBUF,
            MapType.RINGBUF);

    private static final Set<Integer> CHANGES_VALUES = Set.of(2, 3, 87, 88);

    /** Those that leave the memory of a map that is no LRU hash as it is. */
    private static final Set<Helper> ONLY_READ =
            EnumSet.of(Helper.MAP_LOOKUP_ELEM, Helper.MAP_LOOKUP_PERCPU_ELEM, Helper.FOR_EACH_MAP_ELEM);

    private MapUse() {}

    static boolean fits(Prototype helper, MapSpec map, Setting setting) {
        if (setting.isForTarget() && !IN_TARGET.contains(map.type())) {
            return false;
        }
        boolean sockets = map.type() == MapType.SOCKMAP || map.type() == MapType.SOCKHASH;
        if (sockets && (helper.number() == 2 || helper.number() == 3)) {
            return mayChangeSockets(helper, setting);
        }
        boolean taken = !ONLY.containsKey(map.type()) || ONLY.get(map.type()).contains(helper.number());
        boolean wanted = !NEEDED.containsKey(helper.number())
                || NEEDED.get(helper.number()).contains(map.type());
        return taken && wanted;
    }

    private static boolean mayChangeSockets(Prototype helper, Setting setting) {
        return switch (setting.type()) {
            case SOCKET_FILTER, SCHED_CLS, SCHED_ACT, XDP, SK_REUSEPORT, FLOW_DISSECTOR, SK_LOOKUP -> true;
            case TRACING -> setting.section().kind().equals("iter");
            case SOCK_OPS -> helper.number() == 3;
            case KPROBE,
                    TRACEPOINT,
                    PERF_EVENT,
                    CGROUP_SKB,
                    CGROUP_SOCK,
                    LWT_IN,
                    LWT_OUT,
                    LWT_XMIT,
                    SK_SKB,
                    CGROUP_DEVICE,
                    SK_MSG,
                    RAW_TRACEPOINT,
                    CGROUP_SOCK_ADDR,
                    LWT_SEG6LOCAL,
                    LIRC_MODE2,
                    CGROUP_SYSCTL,
                    RAW_TRACEPOINT_WRITABLE,
                    CGROUP_SOCKOPT,
                    STRUCT_OPS,
                    EXT,
                    LSM,
                    SYSCALL,
                    NETFILTER -> false;
        };
    }

    static boolean changesValues(Prototype helper) {
        return CHANGES_VALUES.contains(helper.number());
    }

    /** Whether the call leaves the map's memory alone; what is done with the pointers that it gives is another question. */
    static boolean onlyReads(Prototype helper) {
        return Helper.byNumber(helper.number()).filter(ONLY_READ::contains).isPresent();
    }
}
