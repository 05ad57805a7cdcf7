package graft.tests.nginx;

import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.StepListener;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.platform.linux.Signals;
import graft.tests.command.Sessions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Attaches and detaches, says each step, and kills itself before the Nth step of a name; run in a JVM of its own.
 * Arguments: object, pid, journal directory, name, N. Says "ready" and waits for the end of its input first. Ends with 0
 * when there is no such step.
 */
final class KilledGraft {
    private static int times;

    private KilledGraft() {}

    public static void main(String[] arguments) throws IOException {
        SessionRequest request = Sessions.request(Path.of(arguments[0]), List.of(Integer.valueOf(arguments[1])));
        String last = arguments[3];
        int occurrence = Integer.parseInt(arguments[4]);
        int self = Math.toIntExact(ProcessHandle.current().pid());
        StepListener killer = step -> {
            System.out.println(step);
            System.out.flush();
            if (step.equals(last) && ++times == occurrence) {
                Signals.kill(self, Signals.SIGKILL);
            }
        };
        System.out.println("ready");
        System.out.flush();
        if (System.in.read() != -1) {
            throw new AssertionError("nothing was to be said");
        }
        try (Session session = Sessions.open(request, new Attacher(Path.of(arguments[2]), killer))) {
            if (!session.detach().stream().allMatch(DetachProof::clean)) {
                throw new AssertionError(session.detach().toString());
            }
        }
    }
}
