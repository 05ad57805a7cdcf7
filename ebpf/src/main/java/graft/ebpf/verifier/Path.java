package graft.ebpf.verifier;

/** A path being walked, or waiting: its state, its place, how it came here, and the visit it began at. */
final class Path {
    private final AbstractState state;
    private int slot;
    private Trail trail;
    private Visits.Visit visit;
    private int insns;
    private int branches;

    Path(AbstractState state, int slot, Trail trail, Visits.Visit visit) {
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

    Visits.Visit visit() {
        return visit;
    }

    /** Instructions since the visit it began at. */
    int insns() {
        return insns;
    }

    /** Jumps since the visit it began at. */
    int branches() {
        return branches;
    }

    void moveTo(int next) {
        insns++;
        slot = next;
    }

    void jumped() {
        branches++;
    }

    void passed(int at) {
        trail = new Trail(at, trail);
    }

    void startAt(Visits.Visit start) {
        visit = start;
        insns = 0;
        branches = 0;
    }

    /** Another path that begins here with its own state. */
    Path fork(AbstractState other, int target) {
        if (visit != null) {
            visit.opened();
        }
        Path path = new Path(other, target, trail, visit);
        path.insns = insns;
        path.branches = branches;
        return path;
    }

    void end() {
        if (visit != null) {
            visit.closed();
        }
    }
}
