package graft.tests.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import graft.ebpf.maps.HashTable;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Hashes: what a lookup finds is the key's, whole, and there as long as the key is. */
public final class HashStress {
    private static final int NONE = 0;
    private static final int MIXTURE = -1;
    private static final int LARGE = 24;
    private static final byte[] KEY = key(1);
    private static final byte[] OTHER = key(2);

    private HashStress() {}

    private static byte[] key(int number) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(number).array();
    }

    /** As many longs of one number as fit. */
    private static byte[] value(int size, int number) {
        ByteBuffer value = ByteBuffer.allocate(size);
        while (value.hasRemaining()) {
            value.putLong(number);
        }
        return value.array();
    }

    private static Turns<HashTable> maps(int valueSize) {
        return new Turns<>(MapSpec.of("stressed", MapType.HASH, Integer.BYTES, valueSize, 2), HashTable.class::cast);
    }

    private static void put(HashTable map, byte[] key, int number) {
        byte[] value = value(map.valueBytes(), number);
        Retry.untilDone(() -> map.update(key, value, KeyedMap.ANY));
    }

    private static void delete(HashTable map, byte[] key) {
        Retry.whileBusy(() -> map.delete(key));
    }

    /** The number that the value is made of. */
    private static int look(HashTable map, byte[] key) {
        Optional<byte[]> found = map.lookup(key);
        if (found.isEmpty()) {
            return NONE;
        }
        ByteBuffer value = ByteBuffer.wrap(found.get());
        int number = (int) value.getLong();
        while (value.hasRemaining()) {
            if (value.getLong() != number) {
                return MIXTURE;
            }
        }
        return number;
    }

    /** Two threads replace the value of one key, look at it, and look again when both have ended. */
    @JCStressTest
    @Outcome(id = "1, 2, 2", expect = ACCEPTABLE, desc = "the second replaces, the first has looked before")
    @Outcome(id = "2, 2, 2", expect = ACCEPTABLE, desc = "the second replaces")
    @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the first replaces")
    @Outcome(id = "1, 2, 1", expect = ACCEPTABLE, desc = "the first replaces, the second has looked before")
    @State
    public static class Writers {
        private static final Turns<HashTable> MAPS = maps(LARGE);

        private final HashTable map = MAPS.take();

        public Writers() {
            put(map, KEY, 3);
        }

        @Actor
        public void first(III_Result seen) {
            put(map, KEY, 1);
            seen.r1 = look(map, KEY);
        }

        @Actor
        public void second(III_Result seen) {
            put(map, KEY, 2);
            seen.r2 = look(map, KEY);
        }

        @Arbiter
        public void afterwards(III_Result seen) {
            seen.r3 = look(map, KEY);
        }
    }

    /** A key is replaced again and again, through both elements that its bucket has by then. */
    @JCStressTest
    @Outcome(
            id = {"1, 1", "1, 2", "1, 3", "1, 4", "2, 2", "2, 3", "2, 4", "3, 3", "3, 4", "4, 4"},
            expect = ACCEPTABLE,
            desc = "there, whole, and never older than before")
    @State
    public static class Reader {
        private static final Turns<HashTable> MAPS = maps(LARGE);

        private final HashTable map = MAPS.take();

        public Reader() {
            put(map, KEY, 1);
        }

        @Actor
        public void writer() {
            put(map, KEY, 2);
            put(map, KEY, 3);
            put(map, KEY, 4);
        }

        @Actor
        public void reader(II_Result seen) {
            seen.r1 = look(map, KEY);
            seen.r2 = look(map, KEY);
        }
    }

    /** A key goes, and another one takes its element. */
    @JCStressTest
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "before the delete")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "in between")
    @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "behind the insert")
    @State
    public static class Moved {
        private static final Turns<HashTable> MAPS = maps(Long.BYTES);

        private final HashTable map = MAPS.take();

        public Moved() {
            delete(map, OTHER);
            put(map, KEY, 1);
        }

        @Actor
        public void writer() {
            delete(map, KEY);
            put(map, OTHER, 2);
        }

        @Actor
        public void reader(II_Result seen) {
            seen.r1 = look(map, OTHER);
            seen.r2 = look(map, KEY);
        }
    }

    /** One of two creates the key. */
    @JCStressTest
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first")
    @Outcome(id = "0, 1, 2", expect = ACCEPTABLE, desc = "the second")
    @State
    public static class Creators {
        private static final Turns<HashTable> MAPS = maps(LARGE);

        private final HashTable map = MAPS.take();

        public Creators() {
            delete(map, KEY);
        }

        private int created(int number) {
            byte[] value = value(LARGE, number);
            int result = Retry.whileBusy(() -> map.update(KEY, value, KeyedMap.NOEXIST));
            return switch (result) {
                case 0 -> 1;
                case -Errno.EEXIST -> 0;
                default -> result;
            };
        }

        @Actor
        public void first(III_Result seen) {
            seen.r1 = created(1);
        }

        @Actor
        public void second(III_Result seen) {
            seen.r2 = created(2);
        }

        @Arbiter
        public void afterwards(III_Result seen) {
            seen.r3 = look(map, KEY);
        }
    }
}
