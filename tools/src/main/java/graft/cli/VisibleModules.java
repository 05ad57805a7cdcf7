package graft.cli;

import graft.attach.TargetInspection;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.TargetModules;
import java.io.UncheckedIOException;

/** Opens the files that a process has mapped. */
final class VisibleModules {
    private VisibleModules() {}

    /** Fails with the reason when the process does not exist, is not ours to look at, or has no memory. */
    static TargetModules of(int pid) {
        try {
            return TargetModules.of(pid);
        } catch (NoSuchProcessException | UncheckedIOException unreadable) {
            if (TargetInspection.inspect(pid) instanceof TargetInspection.Refused(var refusal)) {
                throw SessionProblems.of(pid, refusal).failure();
            }
            throw unreadable;
        }
    }
}
