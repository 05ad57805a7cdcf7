package graft.cli.error;

import java.util.Arrays;
import java.util.Optional;

/** What the exit status of a command means. The same for all commands. */
public enum ExitCode {
    FINE(0),
    TARGET_SAID_SO(1),
    USAGE(2),
    LOSS(3),
    REFUSED(4),
    PERMISSION_OR_FEATURE(5),
    TARGET_GONE(6),
    UNDO_NOT_PROVEN(7),
    OUR_BUG(70);

    private final int status;

    ExitCode(int status) {
        this.status = status;
    }

    /** The number that the process ends with. */
    public int status() {
        return status;
    }

    /** The meaning of an exit status. */
    public static Optional<ExitCode> of(int status) {
        return Arrays.stream(values()).filter(code -> code.status == status).findFirst();
    }
}
