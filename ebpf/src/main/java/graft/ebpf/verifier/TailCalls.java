package graft.ebpf.verifier;

/** Tail calls leave the program when they succeed: nothing may be held. */
final class TailCalls {
    static final int HELPER = 12;

    private TailCalls() {}

    static void check(Step step) {
        step.require(new Obligation.NothingHeld(step.state, step.walk.origins()));
    }
}
