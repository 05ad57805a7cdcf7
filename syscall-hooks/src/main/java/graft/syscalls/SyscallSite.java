package graft.syscalls;

import graft.platform.address.RemoteAddress;
import graft.rewriter.plan.SyscallPlace;
import java.util.OptionalInt;

/**
 * One {@code syscall} instruction of a module.
 *
 * @param function the named function that holds it or lies before it: a stripped library names only what it exports; code
 *     before the first name is called by its address
 * @param regionStart first byte of that function
 * @param regionEnd first byte of the next function
 * @param address the {@code syscall} instruction
 * @param number the call's number, when the straight line before it loads it as a constant
 * @param stack whether the thread has its stack around the call: without one, nothing can run there
 */
public record SyscallSite(
        String function,
        RemoteAddress regionStart,
        RemoteAddress regionEnd,
        RemoteAddress address,
        OptionalInt number,
        Stack stack) {
    /** A thread that ends may give its stack back first. */
    public enum Stack {
        /** It has one all the time. */
        THERE,
        /** The call takes it away. */
        GONE_BEHIND,
        /** It was taken away before. */
        GONE
    }

    /** {@code rt_sigreturn}: unwinders know the code that makes it by its bytes, so nobody may change them. */
    private static final int RT_SIGRETURN = 15;

    private static final int LENGTH = 2;

    /** Where the call returns to. */
    public RemoteAddress end() {
        return address.plus(LENGTH);
    }

    /**
     * Whether a call may be made here.
     *
     * @param wanted its number; empty: any call but the return from a signal's handler
     */
    public boolean mayCall(OptionalInt wanted) {
        boolean same = wanted.isEmpty() || number.isEmpty() || number.equals(wanted);
        return same && !isSignalReturn();
    }

    /** Whether nothing ever comes back from it. */
    public boolean neverReturns() {
        return new SyscallPlace(address, number).neverReturns();
    }

    /** Whether programs could run before it. */
    public boolean hasStackBefore() {
        return stack != Stack.GONE;
    }

    /** Whether programs could run behind it. */
    public boolean hasStackBehind() {
        return stack == Stack.THERE;
    }

    /** Whether it returns from a signal's handler, and is never hooked. */
    public boolean isSignalReturn() {
        return number.equals(OptionalInt.of(RT_SIGRETURN));
    }
}
