package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * The lock in the values of a map, as the daemon takes it: in the name of its main thread. As in the agent, one whose owner is
 * gone or does not leave it in time is taken over, so that nobody waits for a stopped target for ever; nor for one that
 * writes another owner into it again and again.
 *
 * @param offset of the lock in a value
 */
record ValueLock(MapRegion region, MapSpec spec, int offset) {
    /** {@code BPF_F_LOCK}. */
    static final long FLAG = 4;

    private static final int SPINS = 200;
    private static final long LONGEST_NANOS = 100_000_000;
    private static final long PATIENCE_NANOS = 10_000_000_000L;
    private static final int ME = (int) ProcessHandle.current().pid() & MapConstants.SPIN_OWNER;
    private static final Path THREADS = Path.of("/proc");

    /** Whether flags ask for a lock that values of {@code spec} do not have. */
    static boolean isMissing(MapSpec spec, long flags) {
        return (flags & FLAG) != 0 && spec.lock().isEmpty();
    }

    /** Does something while the lock of the value at {@code value} is held. */
    <T> T during(long value, Supplier<T> work) {
        take(value + offset);
        try {
            return work.get();
        } finally {
            region.compareAndSet(value + offset, ME, 0);
        }
    }

    private void take(long lock) {
        int seen = 0;
        int looks = 0;
        long began = System.nanoTime();
        long since = began;
        for (int tries = 0; !region.compareAndSet(lock, 0, ME); tries++) {
            int word = region.getAcquire(lock);
            if (word != seen) {
                seen = word;
                looks = 0;
                since = System.nanoTime();
            }
            // This thread may have been held for as long: then it knows nothing of what the word was meanwhile.
            boolean stays = ++looks > SPINS && System.nanoTime() - since > LONGEST_NANOS;
            boolean over = word != 0 && (stays || isGone(word, tries));
            if (over && region.compareAndSet(lock, word, ME)) {
                return;
            }
            if (System.nanoTime() - began > PATIENCE_NANOS) {
                throw new DamagedMapException(spec, "a lock changes hands all the time; a process writes over it");
            }
            if (tries < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
    }

    /** Looked up now and then. Numbers of other pid namespaces say nothing here. */
    private static boolean isGone(int word, int tries) {
        return tries % SPINS == SPINS - 1
                && (word & MapConstants.SPIN_ELSEWHERE) == 0
                && Files.notExists(THREADS.resolve(Integer.toString(word & MapConstants.SPIN_OWNER)));
    }
}
