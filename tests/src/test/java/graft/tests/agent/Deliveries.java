package graft.tests.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;

/** Which of the numbered values that workers made have come out. A word names the worker and its number. */
final class Deliveries {
    private static final int WORKER_SHIFT = 40;
    private static final long FACTOR = 0x9e3779b97f4a7c15L;

    private final Notes notes;
    private final BitSet[] seen;

    Deliveries(Notes notes, int workers) {
        this.notes = notes;
        this.seen = new BitSet[workers + 1];
        Arrays.setAll(seen, _ -> new BitSet());
    }

    /** The value with the number, as a worker makes it. */
    static byte[] value(int worker, long number) {
        long word = (long) worker << WORKER_SHIFT | number;
        long check = (word ^ word >>> 32) * FACTOR;
        return ByteBuffer.allocate(3 * Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(word)
                .putLong(check)
                .putLong(~check)
                .array();
    }

    static boolean isWhole(byte[] value) {
        ByteBuffer words = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        long word = words.getLong(0);
        return Arrays.equals(value, value(worker(word), number(word)));
    }

    static int worker(long word) {
        return (int) (word >>> WORKER_SHIFT);
    }

    static long number(long word) {
        return word & (1L << WORKER_SHIFT) - 1;
    }

    void add(long word) {
        assertThat(worker(word)).as("the worker of %x", word).isBetween(1, seen.length - 1);
        BitSet theirs = seen[worker(word)];
        int number = Math.toIntExact(number(word));
        if (theirs.get(number)) {
            throw new AssertionError("delivered twice: " + number + " of worker " + worker(word));
        }
        theirs.set(number);
    }

    /** All that the worker has taken out; with {@code order}, of each worker's values the older ones first. */
    void addLog(int worker, boolean order) {
        long[] last = new long[seen.length];
        Arrays.fill(last, -1);
        for (int i = 0; i < notes.logged(worker); i++) {
            long word = notes.log(worker, i);
            add(word);
            if (order && number(word) <= last[worker(word)]) {
                throw new AssertionError(number(word) + " of worker " + worker(word) + " came late");
            }
            last[worker(word)] = number(word);
        }
    }

    /** All that were put in have come out, but {@code most}; none came out that was not put in. @return how many are missing */
    int requireOnceEachBut(int most) {
        int missing = 0;
        for (int worker = 1; worker < seen.length; worker++) {
            int done = Math.toIntExact(notes.done(worker));
            assertThat((long) seen[worker].length()).isLessThanOrEqualTo(done + notes.open(worker));
            missing += done - seen[worker].get(0, done).cardinality();
        }
        assertThat(missing).as("lost").isBetween(0, most);
        return missing;
    }
}
