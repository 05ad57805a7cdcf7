package graft.rewriter.plan;

import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;

/** A program that shall run at a site. The planner decides the kind of thunk; the caller provides it. */
@FunctionalInterface
public interface ProgramAtSite {
    /** The call of this program's thunk of {@code kind}; the thunk is written when it is first asked for. */
    ProbeCall call(ProbeKind kind);

    /** What the program may do to the function that it runs in. */
    default ProbeCall.Effect effect() {
        return ProbeCall.Effect.NONE;
    }

    /** Whether the program looks at the flags, which a stub changes otherwise where nothing else needs them. */
    default boolean readsFlags() {
        return false;
    }
}
