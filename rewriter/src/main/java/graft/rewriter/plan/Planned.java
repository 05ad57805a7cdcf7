package graft.rewriter.plan;

import graft.rewriter.PatchSite;
import java.util.List;

/** What the planner says about one request. */
public sealed interface Planned {
    /** These sites, together, do what was asked. Their stubs are in the code space. */
    record Patchable(List<PatchSite> sites) implements Planned {
        public Patchable {
            sites = List.copyOf(sites);
        }
    }

    /** The stub of another site of the same function does it, because it moves the instruction. */
    record Inside(PatchSite site) implements Planned {}

    /**
     * It cannot be done safely.
     *
     * @param why with the addresses that matter
     * @param suggestion what to try
     */
    record Refused(Reason reason, String why, String suggestion) implements Planned {}

    /** Kinds of refusal. */
    enum Reason {
        /** The bytes are not understood. */
        NOT_DECODED,
        /** Fewer than five bytes can be replaced. */
        TOO_SHORT,
        /** A branch lands inside the bytes that would be replaced, or that cannot be excluded. */
        BRANCH_TARGET,
        /** An instruction in the window cannot be moved. */
        NOT_MOVABLE,
        /** The return cannot be seen without changing the stack, and that is not safe here. */
        RETURN_NOT_SAFE,
        /** The function cannot be left before it has begun. */
        OVERRIDE_NOT_SAFE,
        /** Another probe of the same request needs some of the bytes. */
        TAKEN,
        /** The place is not an instruction boundary of its function. */
        NOT_A_BOUNDARY
    }
}
