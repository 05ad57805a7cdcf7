package graft.ebpf.verifier;

/**
 * Tail calls leave the program when they succeed: nothing may be held. In a function they return to its caller, with
 * whatever the other program returns.
 */
final class TailCalls {
    static final int HELPER = 12;

    private TailCalls() {}

    static void check(Step step) {
        step.require(new Obligation.NothingHeld(step.state, step.walk.origins()));
    }

    /** After the call: one path goes on behind it, because there was no program, the other one returns. */
    static void leave(Step step) {
        if (step.state.depth() > 1) {
            step.fork(step.next());
            FrameTransfer.leave(step, Scalar.UNKNOWN);
        }
    }
}
