package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;

/**
 * Writes the thunk of one program and one probe kind: the code between a stub and the program. It tests whether probes
 * are active, saves the registers that the program may change, stores the context fields that it reads, calls it and
 * puts everything back.
 */
public final class ThunkWriter {
    /** No thunk is longer. */
    public static final int MAX_BYTES = 896;

    private final RuntimeRegion runtime;

    public ThunkWriter(RuntimeRegion runtime) {
        this.runtime = runtime;
    }

    /** The thunk's bytes for {@code address}. */
    public Code write(RemoteAddress address, ProbeKind kind, ProgramEntry program, StackUse stack) {
        return new Thunk(runtime, address, kind, program, stack).write();
    }
}
