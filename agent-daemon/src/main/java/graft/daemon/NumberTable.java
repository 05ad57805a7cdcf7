package graft.daemon;

import graft.platform.layout.NewcomerLayout;
import graft.platform.layout.NumberLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Futex;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SharedRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of {@code NUMBERS} in {@code pool.layout}, which targets write too: whatever is in it may be wrong. Owns memory and
 * descriptor.
 */
final class NumberTable implements AutoCloseable {
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final int ENTRIES = PoolConstants.NUMBERS_SETS * PoolConstants.NUMBERS_SET;

    private final NativeFd fd;
    private final SharedRegion region;
    private final MemorySegment memory;

    NumberTable() {
        this.fd = Mman.sealedMemfd("graft-numbers", PoolConstants.NUMBERS_SIZE, Mman.MFD_NOEXEC_SEAL);
        this.region = SharedRegion.map(fd, PoolConstants.NUMBERS_SIZE, SharedRegion.Access.READ_WRITE);
        this.memory = region.segment();
    }

    /**
     * A thread.
     *
     * @param process as the daemon knows it
     * @param own the thread in its own pid namespace
     */
    record Key(int process, int own) {
        private static Key of(long word) {
            return new Key((int) (word >>> Integer.SIZE), (int) word);
        }

        private long word() {
            return (long) process << Integer.SIZE | own;
        }
    }

    /**
     * A process that asks who it is.
     *
     * @param own its number in its own pid namespace
     * @param token what it has at {@code place}, and no other
     * @param number what it was answered, or 0
     */
    record Newcomer(int slot, int own, long token, long place, int number) {}

    NativeFd fd() {
        return fd;
    }

    int bell() {
        return (int) INT.getVolatile(memory, (long) PoolConstants.NUMBERS_BELL);
    }

    /** Sleeps until somebody has rung since the bell was {@code heard}. */
    void await(int heard, long nanos) {
        Futex.await(memory, PoolConstants.NUMBERS_BELL, heard, nanos);
    }

    /** Ends a sleep. */
    void ring() {
        INT.getAndAdd(memory, (long) PoolConstants.NUMBERS_BELL, 1);
        Futex.wake(memory, PoolConstants.NUMBERS_BELL, 1);
    }

    /** The threads whose number is not known yet. */
    List<Key> unanswered() {
        List<Key> keys = new ArrayList<>();
        for (int entry = 0; entry < ENTRIES; entry++) {
            long at = at(entry);
            long key = (long) LONG.getAcquire(memory, at + NumberLayout.KEY);
            if (key != 0 && (int) INT.getAcquire(memory, at + NumberLayout.NUMBER) == 0) {
                keys.add(Key.of(key));
            }
        }
        return keys;
    }

    /** Says the number of a thread. One more than its set holds goes by its own number. */
    void put(Key key, int number) {
        long set = at((key.own() & PoolConstants.NUMBERS_SETS - 1) * PoolConstants.NUMBERS_SET);
        boolean found = false;
        for (int i = 0; i < PoolConstants.NUMBERS_SET; i++) {
            long at = set + (long) i * NumberLayout.SIZE;
            if ((long) LONG.getAcquire(memory, at + NumberLayout.KEY) == key.word()) {
                answer(at + NumberLayout.NUMBER, number);
                found = true;
            }
        }
        for (int i = 0; i < PoolConstants.NUMBERS_SET && !found; i++) {
            long at = set + (long) i * NumberLayout.SIZE;
            if (LONG.compareAndSet(memory, at + NumberLayout.KEY, 0L, key.word())) {
                answer(at + NumberLayout.NUMBER, number);
                found = true;
            }
        }
    }

    /** Forgets a thread that has ended, unless another one has its number there already and asks. */
    void remove(Key key, int number) {
        long set = at((key.own() & PoolConstants.NUMBERS_SETS - 1) * PoolConstants.NUMBERS_SET);
        for (int i = 0; i < PoolConstants.NUMBERS_SET; i++) {
            long at = set + (long) i * NumberLayout.SIZE;
            if ((long) LONG.getAcquire(memory, at + NumberLayout.KEY) == key.word()
                    && INT.compareAndSet(memory, at + NumberLayout.NUMBER, number, 0)) {
                INT.set(memory, at + NumberLayout.WAITED, 0);
                LONG.setRelease(memory, at + NumberLayout.KEY, 0L);
            }
        }
    }

    /** The processes that ask who they are. */
    List<Newcomer> newcomers() {
        List<Newcomer> asking = new ArrayList<>();
        for (int slot = 0; slot < PoolConstants.NEWCOMERS; slot++) {
            long at = newcomerAt(slot);
            long token = (long) LONG.getAcquire(memory, at + NewcomerLayout.TOKEN);
            if (token != 0) {
                asking.add(new Newcomer(
                        slot,
                        (int) INT.get(memory, at + NewcomerLayout.TAKEN),
                        token,
                        (long) LONG.get(memory, at + NewcomerLayout.PLACE),
                        (int) INT.getAcquire(memory, at + NewcomerLayout.NUMBER)));
            }
        }
        return asking;
    }

    /** Says its number, and the inode of its pid namespace, 0 when that is not known. */
    void answer(Newcomer newcomer, int number, int namespace) {
        INT.setRelease(memory, newcomerAt(newcomer.slot()) + NewcomerLayout.PID_NAMESPACE, namespace);
        answer(newcomerAt(newcomer.slot()) + NewcomerLayout.NUMBER, number);
    }

    /** It has ended: others may ask at its place. */
    void remove(Newcomer newcomer) {
        long at = newcomerAt(newcomer.slot());
        if (LONG.compareAndSet(memory, at + NewcomerLayout.TOKEN, newcomer.token(), 0L)) {
            INT.setRelease(memory, at + NewcomerLayout.TAKEN, 0);
        }
    }

    /**
     * A process that has a place and does not ask, or not yet.
     *
     * @param own its number in its own pid namespace
     */
    record Silent(int slot, int own) {}

    List<Silent> silent() {
        List<Silent> silent = new ArrayList<>();
        for (int slot = 0; slot < PoolConstants.NEWCOMERS; slot++) {
            long at = newcomerAt(slot);
            int own = (int) INT.getAcquire(memory, at + NewcomerLayout.TAKEN);
            if (own != 0 && (long) LONG.getAcquire(memory, at + NewcomerLayout.TOKEN) == 0) {
                silent.add(new Silent(slot, own));
            }
        }
        return silent;
    }

    /** It has ended. Another one that has its number by now has another place, because this one is still taken. */
    void remove(Silent silent) {
        INT.compareAndSet(memory, newcomerAt(silent.slot()) + NewcomerLayout.TAKEN, silent.own(), 0);
    }

    private void answer(long at, int number) {
        INT.setVolatile(memory, at, number);
        Futex.wake(memory, at, Integer.MAX_VALUE);
    }

    private static long at(int entry) {
        return PoolConstants.NUMBERS_OFFSET + (long) entry * NumberLayout.SIZE;
    }

    private static long newcomerAt(int slot) {
        return PoolConstants.NEWCOMERS_OFFSET + (long) slot * NewcomerLayout.SIZE;
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}
