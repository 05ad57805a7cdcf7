package graft.daemon.image;

import graft.daemon.SessionRequest;
import java.util.function.Predicate;

/**
 * Where programs at system calls are put.
 *
 * @param modules which files, by path
 * @param missing what it means that none of them makes such a call
 */
public record SyscallScope(Predicate<String> modules, SessionRequest.OnMissing missing) {
    /** All files that a process has mapped. */
    public static SyscallScope everywhere(SessionRequest.OnMissing missing) {
        return new SyscallScope(_ -> true, missing);
    }
}
