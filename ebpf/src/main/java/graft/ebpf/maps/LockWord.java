package graft.ebpf.maps;

/**
 * The lock that daemon and targets share: a word that is 0 or its owner, process id above, thread below. It is waited
 * for with a bound, because its owner may be a stopped target.
 */
final class LockWord {
    private static final int SPINS = 200;
    private static final int YIELDS = 2000;
    private static final long PROCESS = ProcessHandle.current().pid() << 32;

    private LockWord() {}

    /** Takes the lock at {@code word}, or adds 1 at {@code busyCounter}. */
    static boolean acquire(MapRegion region, long word, long busyCounter) {
        for (int i = 0; i < SPINS + YIELDS; i++) {
            if (tryAcquire(region, word)) {
                return true;
            }
            if (i < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        region.getAndAddLong(busyCounter, 1);
        return false;
    }

    /** Takes the lock at {@code word} when it is free. */
    static boolean tryAcquire(MapRegion region, long word) {
        long me = PROCESS | Thread.currentThread().threadId() & 0xffffffffL;
        return region.getLongAcquire(word) == 0 && region.compareAndSetLong(word, 0, me);
    }

    static void release(MapRegion region, long word) {
        region.setLongRelease(word, 0);
    }

    /** The process that holds it, or 0. */
    static int holder(MapRegion region, long word) {
        return (int) (region.getLongAcquire(word) >>> 32);
    }

    static boolean isHeldBy(MapRegion region, long word, int tgid) {
        return holder(region, word) == tgid;
    }
}
