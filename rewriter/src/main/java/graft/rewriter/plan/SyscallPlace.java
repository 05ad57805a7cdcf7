package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A {@code syscall} instruction.
 *
 * @param number what is called there, when it is always the same
 */
public record SyscallPlace(RemoteAddress address, OptionalInt number) {
    private static final int LENGTH = 2;
    private static final Set<Integer> NEVER_RETURNING = Set.of(60, 231);

    /** Where the call returns to. */
    public RemoteAddress end() {
        return address.plus(LENGTH);
    }

    /** Whether nothing ever comes back from it: {@code exit} and {@code exit_group}. */
    public boolean neverReturns() {
        return number.isPresent() && NEVER_RETURNING.contains(number.getAsInt());
    }
}
