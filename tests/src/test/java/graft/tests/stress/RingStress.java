package graft.tests.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.UserRingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Rings in both directions: a sample comes once, whole, in its order, or not yet. Results have a digit for each sample;
 * what earlier states left in the ring's memory has other numbers, and is a 9.
 */
public final class RingStress {
    private static final int BYTES = 4096;
    private static final int FOREIGN = 9;
    private static final AtomicLong STATES = new AtomicLong();

    private RingStress() {}

    /** What a state's samples are counted from. */
    private static long numbers() {
        return STATES.incrementAndGet() * 10;
    }

    private static int digit(long number, long base) {
        long digit = number - base;
        return digit == 1 || digit == 2 ? (int) digit : FOREIGN;
    }

    private static MapSpec spec(MapType type) {
        return MapSpec.of("stressed", type, 0, 0, BYTES);
    }

    private record Ring(RingBuffer map, RingMemory target) {
        private int drain(long base) {
            int[] digits = {0};
            map.drain(sample -> digits[0] = digits[0] * 10 + digit(number(sample), base), 10);
            return digits[0];
        }

        private static long number(MemorySegment sample) {
            long number = sample.get(ValueLayout.JAVA_LONG, 0);
            boolean whole = sample.byteSize() == RingMemory.SAMPLE;
            for (long at = 0; whole && at < RingMemory.SAMPLE; at += Long.BYTES) {
                whole = sample.get(ValueLayout.JAVA_LONG, at) == number;
            }
            return whole ? number : RingMemory.MIXTURE;
        }
    }

    /** A target produces, the daemon reads. */
    @JCStressTest
    @Outcome(id = "0, 12", expect = ACCEPTABLE, desc = "nothing is submitted yet")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "one is")
    @Outcome(id = "12, 0", expect = ACCEPTABLE, desc = "both are")
    @State
    public static class Read {
        private static final Turns<Ring> RINGS =
                new Turns<>(spec(MapType.RINGBUF), map -> new Ring((RingBuffer) map, new RingMemory(map)));

        private final Ring ring = RINGS.take();
        private final long base = numbers();

        public Read() {
            ring.drain(base);
        }

        @Actor
        public void producer() {
            ring.target().produce(base + 1);
            ring.target().produce(base + 2);
        }

        @Actor
        public void reader(II_Result seen) {
            seen.r1 = ring.drain(base);
        }

        @Arbiter
        public void afterwards(II_Result seen) {
            seen.r2 = ring.drain(base);
        }
    }

    private record UserRing(UserRingBuffer map, RingMemory target) {
        private static Turns<UserRing> many() {
            return new Turns<>(
                    spec(MapType.USER_RINGBUF), map -> new UserRing((UserRingBuffer) map, new RingMemory(map)));
        }

        private void produce(long number) {
            UserRingBuffer.Sample sample = map.reserve(RingMemory.SAMPLE).orElseThrow();
            byte[] bytes = new byte[RingMemory.SAMPLE];
            for (int at = 0; at < bytes.length; at += Long.BYTES) {
                MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_LONG_UNALIGNED, at, number);
            }
            sample.put(0, bytes);
            sample.submit();
        }

        private int drain(long base) {
            int digits = 0;
            for (long number = target.consume(); number != 0; number = target.consume()) {
                digits = digits * 10 + digit(number, base);
            }
            return digits;
        }
    }

    /** The daemon produces, a target drains. */
    @JCStressTest
    @Outcome(id = "0, 12", expect = ACCEPTABLE, desc = "nothing is submitted yet")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "one is")
    @Outcome(id = "12, 0", expect = ACCEPTABLE, desc = "both are")
    @State
    public static class Drained {
        private static final Turns<UserRing> RINGS = UserRing.many();

        private final UserRing ring = RINGS.take();
        private final long base = numbers();

        public Drained() {
            ring.drain(base);
        }

        @Actor
        public void producer() {
            ring.produce(base + 1);
            ring.produce(base + 2);
        }

        @Actor
        public void target(II_Result seen) {
            seen.r1 = ring.drain(base);
        }

        @Arbiter
        public void afterwards(II_Result seen) {
            seen.r2 = ring.drain(base);
        }
    }

    /** Two threads of the daemon produce. */
    @JCStressTest
    @Outcome(id = "0, 12", expect = ACCEPTABLE, desc = "behind one that is not submitted yet")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "before the other")
    @Outcome(
            id = {"12, 0", "21, 0"},
            expect = ACCEPTABLE,
            desc = "both are there")
    @State
    public static class Producers {
        private static final Turns<UserRing> RINGS = UserRing.many();

        private final UserRing ring = RINGS.take();
        private final long base = numbers();

        public Producers() {
            ring.drain(base);
        }

        @Actor
        public void one() {
            ring.produce(base + 1);
        }

        @Actor
        public void other(II_Result seen) {
            ring.produce(base + 2);
            seen.r1 = ring.drain(base);
        }

        @Arbiter
        public void afterwards(II_Result seen) {
            seen.r2 = ring.drain(base);
        }
    }
}
