package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;

/**
 * One program run at a site.
 *
 * @param thunk the thunk of the program for the site's kind
 * @param functionIp what the program sees as the probed address
 * @param cookie the attach cookie
 * @param effect what it may do to the site
 * @param frame what a program that walks the stack has to know; others must be given {@link Frame#THERE}
 */
public record ProbeCall(RemoteAddress thunk, RemoteAddress functionIp, long cookie, Effect effect, Frame frame) {
    /** Whether the probed function has its frame when the program runs. */
    public enum Frame {
        /** The frame pointer leads to it. */
        THERE,
        /** The next instruction begins it: the return address is at the stack pointer, the frame pointer is the caller's. */
        BEGINS
    }

    /** What a program may do to the place where it runs. */
    public enum Effect {
        /** What follows runs. */
        NONE,
        /** The thunk says whether the function, or system call, runs ({@link ProgramEntry.Use#OVERRIDE}). */
        MAY_OVERRIDE
    }

    /** A program after which everything goes on. */
    public ProbeCall(RemoteAddress thunk, RemoteAddress functionIp, long cookie) {
        this(thunk, functionIp, cookie, Effect.NONE);
    }

    /** A program that does not walk the stack. */
    public ProbeCall(RemoteAddress thunk, RemoteAddress functionIp, long cookie, Effect effect) {
        this(thunk, functionIp, cookie, effect, Frame.THERE);
    }
}
