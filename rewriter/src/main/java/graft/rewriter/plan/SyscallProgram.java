package graft.rewriter.plan;

import graft.rewriter.stub.Flags;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.SiteRecord;
import graft.rewriter.stub.SyscallStubWriter;
import java.util.OptionalInt;

/**
 * A program that shall run at a system call.
 *
 * @param only the number that it is for; empty: every number
 */
public record SyscallProgram(ProgramAtCall program, OptionalInt only) {
    /** Provides the call of its thunk when that is first asked for. */
    @FunctionalInterface
    public interface ProgramAtCall {
        /** The thunk for places whose flags are like that, and what the program gets there. */
        ThunkCall call(Flags flags);
    }

    /**
     * The call of a thunk.
     *
     * @param record whether the thunk reads what is in front of the call
     */
    public record ThunkCall(ProbeCall call, SiteRecord record) {}

    SyscallStubWriter.Call call(Flags flags) {
        ThunkCall thunk = program.call(flags);
        return new SyscallStubWriter.Call(thunk.call(), thunk.record(), only);
    }
}
