package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import java.util.OptionalInt;

/**
 * Writes the thunk of one program and one probe kind: the code between a stub and the program. It tests whether probes
 * are active, saves the registers that the program may change, stores the context fields that it reads, calls it and
 * puts everything back.
 */
public final class ThunkWriter {
    /** No thunk is longer. */
    public static final int MAX_BYTES = 512;

    private final RuntimeRegion runtime;

    public ThunkWriter(RuntimeRegion runtime) {
        this.runtime = runtime;
    }

    /** The thunk's bytes for {@code address}. */
    public Code write(RemoteAddress address, ProbeKind kind, ProgramEntry program, StackUse stack) {
        return new Thunk(runtime, address, kind, program, stack).write(OptionalInt.empty());
    }

    /**
     * A thunk of kind {@link ProbeKind#SYSCALL_ENTER} that runs the program only for one system call, for sites whose
     * number is not constant.
     *
     * @param only the number; empty: every system call
     */
    public Code syscallEnter(RemoteAddress address, ProgramEntry program, OptionalInt only) {
        return new Thunk(runtime, address, ProbeKind.SYSCALL_ENTER, program, StackUse.THREAD).write(only);
    }
}
