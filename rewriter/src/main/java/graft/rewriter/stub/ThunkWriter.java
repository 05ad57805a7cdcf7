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

    /** No program has more. */
    public static final int MOST_KINDS = ProbeKind.values().length * StackUse.values().length * Flags.values().length;

    private final RuntimeRegion runtime;

    public ThunkWriter(RuntimeRegion runtime) {
        this.runtime = runtime;
    }

    /**
     * A thunk.
     *
     * @param record whether stubs that call it have to put a record in front of the call
     */
    public record Written(Code code, SiteRecord record) {}

    /** The thunk for {@code address}. */
    public Written write(RemoteAddress address, ThunkKind kind, ProgramEntry program) {
        return new Thunk(runtime, address, kind, program).write();
    }
}
