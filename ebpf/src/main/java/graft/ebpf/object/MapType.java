package graft.ebpf.object;

import java.util.Arrays;
import java.util.Optional;

/** Map types by kernel number (include/uapi/linux/bpf.h). Parsing knows more types than graft can create. */
public enum MapType {
    HASH(1),
    ARRAY(2),
    PROG_ARRAY(3),
    PERF_EVENT_ARRAY(4),
    PERCPU_HASH(5),
    PERCPU_ARRAY(6),
    STACK_TRACE(7),
    CGROUP_ARRAY(8),
    LRU_HASH(9),
    LRU_PERCPU_HASH(10),
    LPM_TRIE(11),
    ARRAY_OF_MAPS(12),
    HASH_OF_MAPS(13),
    DEVMAP(14),
    SOCKMAP(15),
    CPUMAP(16),
    XSKMAP(17),
    SOCKHASH(18),
    CGROUP_STORAGE(19),
    REUSEPORT_SOCKARRAY(20),
    PERCPU_CGROUP_STORAGE(21),
    QUEUE(22),
    STACK(23),
    SK_STORAGE(24),
    DEVMAP_HASH(25),
    STRUCT_OPS(26),
    RINGBUF(27),
    INODE_STORAGE(28),
    TASK_STORAGE(29),
    BLOOM_FILTER(30),
    USER_RINGBUF(31),
    CGRP_STORAGE(32),
    ARENA(33),
    INSN_ARRAY(34);

    private final int number;

    MapType(int number) {
        this.number = number;
    }

    public int number() {
        return number;
    }

    /** Whether every processor has its own values. */
    public boolean isPerProcessor() {
        return switch (this) {
            case PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH, PERCPU_CGROUP_STORAGE -> true;
            default -> false; // one value for all
        };
    }

    /**
     * Whether such a map is its memory and nothing else, so that it can be pinned, and be in a map of maps. Rings are mapped twice;
     * what is in the others means something to the session that made them only, or to the kernel.
     */
    public boolean isMemory() {
        return switch (this) {
            case ARRAY,
                    PERCPU_ARRAY,
                    HASH,
                    PERCPU_HASH,
                    LRU_HASH,
                    LRU_PERCPU_HASH,
                    LPM_TRIE,
                    QUEUE,
                    STACK,
                    BLOOM_FILTER,
                    STACK_TRACE -> true;
            default -> false;
        };
    }

    /** Whether a full map drops what was not used for long. */
    public boolean isLru() {
        return this == LRU_HASH || this == LRU_PERCPU_HASH;
    }

    /** Whether its values are maps. */
    public boolean holdsMaps() {
        return this == ARRAY_OF_MAPS || this == HASH_OF_MAPS;
    }

    public static Optional<MapType> byNumber(int number) {
        return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
    }
}
