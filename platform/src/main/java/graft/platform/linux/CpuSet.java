package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** {@code sched_setaffinity(2)}: the processors that the calling OS thread may use. Immutable. */
public final class CpuSet {
    /** The kernel's largest count of processors, in bytes of its mask. */
    private static final int BYTES = 8192 / Byte.SIZE;

    private final BitSet cpus;

    private CpuSet(BitSet cpus) {
        this.cpus = cpus;
    }

    /** What the calling thread may use now; empty when the kernel does not say. */
    public static CpuSet ofThisThread() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(BYTES, Long.BYTES);
            long size = Syscall.SCHED_GETAFFINITY.raw(0, BYTES, mask.address(), 0, 0, 0);
            return new CpuSet(BitSet.valueOf(mask.asSlice(0, Math.max(0, size)).asByteBuffer()));
        }
    }

    /** The same set but for {@code cpu}. */
    public CpuSet without(int cpu) {
        BitSet rest = (BitSet) cpus.clone();
        rest.clear(cpu);
        return new CpuSet(rest);
    }

    public boolean contains(int cpu) {
        return cpus.get(cpu);
    }

    public boolean isEmpty() {
        return cpus.isEmpty();
    }

    /**
     * Keeps the calling thread to this set, which is not empty; moves it when it is elsewhere.
     *
     * @return 0, or the errno that refused it
     */
    public int apply() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(BYTES, Long.BYTES);
            long[] words = cpus.toLongArray();
            MemorySegment.copy(words, 0, mask, JAVA_LONG, 0, words.length);
            return (int) -Syscall.SCHED_SETAFFINITY.raw(0, BYTES, mask.address(), 0, 0, 0);
        }
    }

    @Override
    public String toString() {
        return "processors " + cpus;
    }
}
