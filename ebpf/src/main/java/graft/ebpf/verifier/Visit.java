package graft.ebpf.verifier;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A remembered state, what of its stack matters, and how many paths that began there are not walked to their end. */
final class Visit {
    private final AbstractState state;
    private final Visit parent;
    private final int depth;
    private final long[] read;
    private List<Follower> followers = List.of();
    private Visit loopEntry;
    private int open = 1;
    private int hits;
    private int misses;

    /** A path that ended here before it was known what is read from here on. */
    private record Follower(Visit visit, AbstractState state) {
        long slots(int frame, long slots) {
            return slots & ~state.frame(frame).overwritten();
        }
    }

    /** Slots of a frame that are read after a visit. */
    private record Reads(Visit visit, int frame, long slots) {}

    /** Remembers where a path is. */
    Visit(Path path) {
        this.state = path.state().copy();
        this.parent = path.visit();
        this.depth = parent == null ? 0 : parent.depth + 1;
        this.read = new long[state.depth()];
    }

    AbstractState state() {
        return state;
    }

    void opened() {
        open++;
    }

    /** One path from here has ended. */
    void closed() {
        Visit visit = this;
        while (visit != null && --visit.open == 0) {
            visit = visit.parent;
        }
    }

    boolean isComplete() {
        return open == 0;
    }

    void hit() {
        hits++;
    }

    void missed() {
        misses++;
    }

    /** Whether it was of no use for long. */
    boolean isUseless(int patience) {
        return misses > patience * (hits + 1);
    }

    /** Slots of a frame that some path from here reads before it overwrites them, one bit each. */
    long read(int frame) {
        return read[frame];
    }

    /** A path from here, or from a state that this one covers, reads slots that were not overwritten since. */
    void reads(int frame, long slots) {
        Deque<Reads> work = new ArrayDeque<>(1);
        Reads next = new Reads(this, frame, slots);
        while (next != null) {
            next.visit.reads(next, work);
            next = work.poll();
        }
    }

    private void reads(Reads reads, Deque<Reads> work) {
        int frame = reads.frame;
        long slots = reads.slots;
        for (Visit visit = this; visit != null && frame < visit.read.length && slots != 0; visit = visit.parent) {
            slots &= ~visit.read[frame];
            visit.read[frame] |= slots;
            for (Follower follower : visit.followers) {
                work.add(new Reads(follower.visit, frame, follower.slots(frame, slots)));
            }
            slots &= ~visit.state.frame(frame).overwritten();
        }
    }

    /** A path ends because this covers it: what is read from here is read after the path. */
    void readFor(Path path) {
        for (int frame = 0; frame < read.length; frame++) {
            path.reads(path.state().frame(frame), read[frame]);
        }
    }

    /** The same while it is not known yet all that is read from here. */
    void readLaterFor(Path path) {
        readFor(path);
        if (path.visit() != null) {
            followers = followers.isEmpty() ? new ArrayList<>(2) : followers;
            followers.add(new Follower(path.visit(), path.state()));
        }
    }

    /** Whatever leads from {@code entry} to this depends on how the loop from {@code entry} ends. */
    void enterLoop(Visit entry) {
        Visit visit = this;
        while (visit != null && visit != entry && !visit.isInLoopFrom(entry)) {
            visit.loopEntry = entry;
            visit = visit.parent;
        }
    }

    /** Whether it is known that this, and all from {@code entry} to this, is in a loop from {@code entry} or before. */
    private boolean isInLoopFrom(Visit entry) {
        return loopEntry != null && !loopEntry.isSettled() && loopEntry.depth <= entry.depth;
    }

    /** Whether all that matters is known: no loop that this is in, or that such a loop is in, is still walked. */
    boolean isSettled() {
        boolean settled = waitsFor().open == 0;
        if (settled) {
            loopEntry = null;
        }
        return settled;
    }

    /** The head of the outermost loop around this, or around such a loop, that is still walked. */
    Visit waitsFor() {
        Visit visit = this;
        while (visit.open == 0 && visit.loopEntry != null) {
            visit = visit.loopEntry;
        }
        return visit;
    }
}
