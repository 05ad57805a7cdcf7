package graft.ebpf.verifier;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What a number was made from, back to the states that were kept on the way. When a number turns out to matter for safety
 * (it decided a branch, moved a pointer, was a size), all that it was made from is marked precise; kept numbers without a
 * mark may be anything when states are compared.
 */
final class Origin {
    /** Of numbers that were made from nothing kept: constants, loads. */
    static final Origin NONE = new Origin();

    private final Origin left;
    private final Origin right;
    private boolean precise;
    private List<Origin> followers = List.of();

    private Origin() {
        this.left = this;
        this.right = this;
        this.precise = true;
    }

    private Origin(Origin left, Origin right) {
        this.left = left;
        this.right = right;
    }

    /** Of a number in a state that is kept. */
    static Origin kept(Origin before) {
        return new Origin(before, NONE);
    }

    /** Of a number made from two others. */
    static Origin of(Origin left, Origin right) {
        if (left == right || right == NONE) {
            return left;
        }
        return left == NONE ? right : new Origin(left, right);
    }

    boolean isPrecise() {
        return precise;
    }

    /** Marks this and all it was made from. */
    void mark() {
        if (precise) {
            return;
        }
        Deque<Origin> work = new ArrayDeque<>();
        precise = true;
        work.push(this);
        while (!work.isEmpty()) {
            Origin next = work.pop();
            reach(next.left, work);
            reach(next.right, work);
            for (Origin follower : next.followers) {
                reach(follower, work);
            }
        }
    }

    /** When this turns out to matter, {@code other} does as well. */
    void followedBy(Origin other) {
        if (precise) {
            other.mark();
        } else if (!other.precise) {
            followers = followers.isEmpty() ? new ArrayList<>(2) : followers;
            followers.add(other);
        }
    }

    private static void reach(Origin origin, Deque<Origin> work) {
        if (!origin.precise) {
            origin.precise = true;
            work.push(origin);
        }
    }
}
