package graft.tests.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import graft.ebpf.maps.QueueMap;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Queues: what is pushed is popped once, whole, and of one thread in its order. Results have a digit for each value. */
public final class QueueStress {
    private static final int VALUE = 24;
    private static final int MIXTURE = 9;

    private QueueStress() {}

    private static Turns<QueueMap> queues() {
        return new Turns<>(MapSpec.of("stressed", MapType.QUEUE, 0, VALUE, 2), QueueMap.class::cast);
    }

    private static void push(QueueMap queue, int number) {
        byte[] value = new byte[VALUE];
        Arrays.fill(value, (byte) number);
        Retry.untilDone(() -> queue.push(value, 0));
    }

    /** The number that was pushed, or 0. */
    private static int pop(QueueMap queue) {
        Optional<byte[]> popped = queue.pop();
        if (popped.isEmpty()) {
            return 0;
        }
        ByteBuffer value = ByteBuffer.wrap(popped.get());
        byte number = value.get();
        while (value.hasRemaining()) {
            if (value.get() != number) {
                return MIXTURE;
            }
        }
        return number;
    }

    /** All that is left; nobody else uses the queue. */
    private static int rest(QueueMap queue) {
        int rest = 0;
        for (int number = pop(queue); number != 0; number = pop(queue)) {
            rest = rest * 10 + number;
        }
        return rest;
    }

    /** One pushes twice, one pops twice. */
    @JCStressTest
    @Outcome(id = "0, 0, 12", expect = ACCEPTABLE, desc = "both pops come first")
    @Outcome(id = "0, 1, 2", expect = ACCEPTABLE, desc = "the first pop comes first")
    @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "both pops before the second push")
    @Outcome(id = "1, 2, 0", expect = ACCEPTABLE, desc = "each pop behind a push")
    @State
    public static class Order {
        private static final Turns<QueueMap> QUEUES = queues();

        private final QueueMap queue = QUEUES.take();

        public Order() {
            rest(queue);
        }

        @Actor
        public void producer() {
            push(queue, 1);
            push(queue, 2);
        }

        @Actor
        public void consumer(III_Result seen) {
            seen.r1 = pop(queue);
            seen.r2 = pop(queue);
        }

        @Arbiter
        public void afterwards(III_Result seen) {
            seen.r3 = rest(queue);
        }
    }

    /** Two push, one of them pops. */
    @JCStressTest
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "the other was first")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "its own")
    @Outcome(
            id = {"0, 12", "0, 21"},
            expect = ACCEPTABLE_INTERESTING,
            desc = "the lock was not free in time")
    @State
    public static class Producers {
        private static final Turns<QueueMap> QUEUES = queues();

        private final QueueMap queue = QUEUES.take();

        public Producers() {
            rest(queue);
        }

        @Actor
        public void one() {
            push(queue, 1);
        }

        @Actor
        public void other(II_Result seen) {
            push(queue, 2);
            seen.r1 = pop(queue);
        }

        @Arbiter
        public void afterwards(II_Result seen) {
            seen.r2 = rest(queue);
        }
    }
}
