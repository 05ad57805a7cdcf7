package graft.rewriter.plan;

import graft.rewriter.stub.ProbeCall;
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
        /** The thunk and what the program gets there. */
        ProbeCall call();
    }
}
