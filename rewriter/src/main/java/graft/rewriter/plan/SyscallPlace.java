package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import java.util.OptionalInt;

/**
 * A {@code syscall} instruction.
 *
 * @param number what is called there, when it is always the same
 */
public record SyscallPlace(RemoteAddress address, OptionalInt number) {
    private static final int LENGTH = 2;

    /** Where the call returns to. */
    public RemoteAddress end() {
        return address.plus(LENGTH);
    }
}
