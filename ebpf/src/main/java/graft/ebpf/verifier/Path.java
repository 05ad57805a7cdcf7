package graft.ebpf.verifier;

/** A path being walked, or waiting: its state, its place, how it came here, and the visit it began at. */
final class Path {
    private final AbstractState state;
    private int slot;
    private Trail trail;
    private Visit visit;
    private int insns;
    private int jumps;

    Path(AbstractState state, int slot, Trail trail, Visit visit) {
        this.state = state;
        this.slot = slot;
        this.trail = trail;
        this.visit = visit;
    }

    AbstractState state() {
        return state;
    }

    int slot() {
        return slot;
    }

    Trail trail() {
        return trail;
    }

    Visit visit() {
        return visit;
    }

    /** Instructions since the visit it began at. */
    int insns() {
        return insns;
    }

    /** Jumps since the visit it began at. */
    int jumps() {
        return jumps;
    }

    void moveTo(int next) {
        insns++;
        slot = next;
    }

    void jumped() {
        jumps++;
    }

    void passed(int at) {
        trail = new Trail(at, trail);
    }

    void startAt(Visit start) {
        visit = start;
        insns = 0;
        jumps = 0;
    }

    /** Another path that begins here with its own state. */
    Path fork(AbstractState other, int target) {
        if (visit != null) {
            visit.opened();
        }
        Path path = new Path(other, target, trail, visit);
        path.insns = insns;
        path.jumps = jumps;
        return path;
    }

    /** Slots of a frame are looked at, one bit each. */
    void reads(Frame frame, long slots) {
        if (visit != null) {
            visit.reads(frame.index, slots & ~frame.overwritten());
        }
    }

    /** The way here depends on how the loop from {@code entry} ends. */
    void enterLoop(Visit entry) {
        if (visit != null) {
            visit.enterLoop(entry);
        }
    }

    void end() {
        if (visit != null) {
            visit.closed();
        }
    }
}
