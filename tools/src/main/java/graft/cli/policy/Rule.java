package graft.cli.policy;

import graft.syscalls.SyscallSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * One rule of a policy.
 *
 * @param line of the file
 * @param matches the calls that it is for
 * @param paths one of them has to match a path of the call; empty: any path, and calls without
 * @param turns which matches of a thread count
 */
public record Rule(
        String name,
        int line,
        List<Match> matches,
        List<PathPattern> paths,
        Action action,
        Report report,
        Turns turns,
        Disturbance disturbance) {
    public Rule {
        matches = List.copyOf(matches);
        paths = List.copyOf(paths);
    }

    /**
     * A call, and what is asked about it.
     *
     * @param alternatives in each of them all conditions have to hold; one without conditions always holds
     */
    public record Match(SyscallSpec call, List<List<Condition>> alternatives) {
        public Match {
            alternatives = alternatives.stream().map(List::copyOf).toList();
        }
    }

    /** What becomes of its calls, as policies write it. */
    public String effect() {
        List<String> texts = new ArrayList<>(disturbance.texts());
        if (texts.isEmpty() || !(action instanceof Action.Allow)) {
            texts.addFirst(action.text());
        }
        return String.join(", ", texts);
    }

    /** Whether its calls are not what they were, when it is enforced. */
    public boolean interferes() {
        return action.prevents() || !disturbance.equals(Disturbance.NONE);
    }

    /** Whether each match is told. */
    public enum Report {
        NEVER,
        EACH
    }

    /**
     * Which matches count, from 1 on.
     *
     * @param last -1: no end
     */
    public record Turns(int first, int last, int step) {
        /** All of them. */
        public static final Turns ALL = new Turns(1, -1, 1);
    }
}
