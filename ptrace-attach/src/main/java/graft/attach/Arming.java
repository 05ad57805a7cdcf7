package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.TracerConstants;
import graft.platform.linux.Sched;
import graft.platform.proc.ProcessStatus;
import graft.rewriter.PatchPlan;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Writes a plan into the text and lets the programs run, in one stop of all threads, when everything else of the injection
 * is in place. A refusal has changed nothing.
 */
final class Arming {
    private static final byte[] ACTIVE = {1, 0, 0, 0, PoolConstants.ABI, 0, 0, 0};
    private static final long DEADLINE_NANOS = 250_000_000;
    private static final int ATTEMPTS = 5;
    private static final long AGAIN_NANOS = 20_000_000;

    private final Target target;
    private final Injection injection;
    private final PatchPlan plan;
    private final long options;

    /** @param plan what of the injection's plan is not in the text yet */
    Arming(Target target, Injection injection, PatchPlan plan, long options) {
        this.target = target;
        this.injection = injection;
        this.plan = plan;
        this.options = options;
    }

    /** What became of it. */
    sealed interface Outcome {
        /**
         * All is in place.
         *
         * @param heldNanos how long the threads were stopped
         */
        record Done(long heldNanos, int threads) implements Outcome {}

        /** Nothing was changed. */
        record Refused(Refusal refusal) implements Outcome {}
    }

    /** What became of one stop of all threads. */
    private sealed interface Attempt {
        record Ended(Outcome outcome) implements Attempt {}

        /** Nothing was changed, and the next stop finds the threads elsewhere. */
        record Again() implements Attempt {}
    }

    /** Tries again when a thread is where the plan does not know. @param name of the tracer threads */
    Outcome run(String name) {
        for (int attempt = 1; ; attempt++) {
            switch (once(name, attempt)) {
                case Attempt.Ended(var outcome) -> {
                    return outcome;
                }
                case Attempt.Again _ -> Sched.nanosleep(AGAIN_NANOS * attempt);
            }
        }
    }

    /** Every attempt has a tracer thread of its own: what a late thread still holds is let go with it. */
    private Attempt once(String name, int attempt) {
        try {
            Outcome outcome = TracerThread.call(name, this::patch);
            boolean elsewhere = outcome instanceof Outcome.Refused(var refusal)
                    && refusal.kind() == Refusal.Kind.THREAD_IN_WINDOW
                    && attempt < ATTEMPTS;
            return elsewhere ? new Attempt.Again() : new Attempt.Ended(outcome);
        } catch (DeadlineException late) {
            if (attempt == ATTEMPTS) {
                throw late;
            }
            return new Attempt.Again();
        }
    }

    /** The one stop of all threads. */
    private Outcome patch() {
        Patcher patcher = new Patcher(target, plan);
        try (Urgency urgency = new Urgency();
                Tracees tracees = new Tracees(target.pid(), options)) {
            Operations stop = new Operations(target, tracees, 1);
            int pools = injection.pools().size();
            Operations operations = new Operations(target, tracees, patcher.operations() + 5 * pools + 2);
            operations.addStep("threads-stopped", TracerConstants.OP_STOP_ALL);
            patcher.prepare(operations);
            injection.pools().forEach(pool -> enable(pool, operations));
            operations.addStep("threads-resumed", TracerConstants.OP_DETACH_ALL);
            target.steps().before("threads-seized");
            urgency.begin(target.pid(), target.pid());
            tracees.seizeNew();
            long deadline = System.nanoTime() + DEADLINE_NANOS;
            SeccompCheck filters = new SeccompCheck(injection);
            if (filters.concerns(tracees.all())) {
                stop.add(TracerConstants.OP_STOP_ALL);
                stop.performAll(deadline);
                Optional<Refusal> refusal = filters.check(tracees.all());
                if (refusal.isPresent()) {
                    return new Outcome.Refused(refusal.get());
                }
            }
            Optional<Operations.Failure> failure = operations.perform(deadline);
            if (failure.isPresent()) {
                return new Outcome.Refused(patcher.refusal(failure.get())
                        .orElseThrow(() -> failure.get().exception(target.pid())));
            }
            return new Outcome.Done(
                    operations.heldNanosSince(stop), tracees.all().size());
        }
    }

    private void enable(Injection.Pool pool, Operations operations) {
        RemoteAddress runtime = runtime(pool);
        if (target.pid() != injection.pid()) {
            adopt(runtime.plus(PoolConstants.CONFIG_OFFSET), operations);
        }
        if (isFollowed(pool)) {
            write(operations, "", runtime.plus(PoolConstants.CONFIG_OFFSET + ConfigLayout.FOLLOWED), followed(pool));
        }
        write(operations, "probes-enabled", runtime, ACTIVE);
    }

    /**
     * What the agent does in a forked child where programs are not active yet, but with the number that graft knows it by, in a
     * pid namespace too: its locks are to be known as its own, and may not be broken when its parent ends.
     */
    private void adopt(RemoteAddress config, Operations operations) {
        int own = ProcessStatus.find(target.pid())
                .map(ProcessStatus::namespacePids)
                .filter(numbers -> !numbers.isEmpty())
                .map(List::getLast)
                .orElse(target.pid());
        write(operations, "", config.plus(ConfigLayout.OWN_TGID), number(own));
        write(operations, "", config.plus(ConfigLayout.TRANSLATED), number(own == target.pid() ? 0 : 1));
        write(operations, "", config.plus(ConfigLayout.TGID), number(target.pid()));
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    private static void write(Operations operations, String step, RemoteAddress address, byte[] content) {
        MemorySegment bytes = operations.bytes(content);
        operations.addStep(step, TracerConstants.OP_WRITE, address.value(), bytes.address(), bytes.byteSize());
    }

    static RemoteAddress runtime(Injection.Pool pool) {
        return pool.address().plus(-PoolConstants.RUNTIME_SIZE);
    }

    /** Whether its programs run in processes that the target forks, too. */
    static boolean isFollowed(Injection.Pool pool) {
        return !Arrays.equals(followed(pool), new byte[Integer.BYTES]);
    }

    private static byte[] followed(Injection.Pool pool) {
        return Arrays.copyOfRange(pool.runtime().bytes(), ConfigLayout.FOLLOWED, ConfigLayout.FOLLOWED + Integer.BYTES);
    }
}
