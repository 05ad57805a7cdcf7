package graft.tests.stress;

import graft.platform.linux.Errno;
import java.util.function.IntSupplier;

/** Locks are waited for with a bound, which a thread that loses its processor while it holds one exceeds. */
final class Retry {
    private Retry() {}

    /** What comes when the lock was free. */
    static int whileBusy(IntSupplier operation) {
        int result = operation.getAsInt();
        while (result == -Errno.EBUSY) {
            result = operation.getAsInt();
        }
        return result;
    }

    /** The same for an operation that is not refused otherwise. */
    static void untilDone(IntSupplier operation) {
        int result = whileBusy(operation);
        if (result != 0) {
            throw new AssertionError("refused with errno " + -result);
        }
    }
}
