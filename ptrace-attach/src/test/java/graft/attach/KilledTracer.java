package graft.attach;

import graft.platform.linux.Signals;
import java.nio.file.Path;
import java.util.List;

/**
 * A daemon that kills itself before step N of an attach that is switched off, on, and detached; run in a JVM of its own. Arguments: pid,
 * address of the probed function, journal directory, N, and, to patch many sites, the address of the small functions. Ends
 * with 0 when there are fewer steps.
 */
final class KilledTracer {
    private static int steps;

    private KilledTracer() {}

    public static void main(String[] arguments) {
        int pid = Integer.parseInt(arguments[0]);
        int last = Integer.parseInt(arguments[3]);
        int self = (int) ProcessHandle.current().pid();
        StepListener killer = step -> {
            if (++steps == last) {
                System.out.println("killed before " + step);
                System.out.flush();
                Signals.kill(self, Signals.SIGKILL);
            }
        };
        AttachResult result = new Attacher(Path.of(arguments[2]), killer)
                .attach(
                        arguments.length > 4
                                ? ManySites.injection(pid, Long.parseLong(arguments[4]))
                                : LiveTarget.injection(pid, Long.parseLong(arguments[1])));
        if (!(result instanceof AttachResult.Attached attached)) {
            throw new AssertionError(result.toString());
        }
        for (Switching switching :
                List.of(attached.attachment().switchOff(), attached.attachment().switchOn())) {
            if (!(switching instanceof Switching.Switched)) {
                throw new AssertionError(switching.toString());
            }
        }
        DetachProof proof = attached.attachment().detach();
        if (!proof.clean()) {
            throw new AssertionError(proof.toString());
        }
    }
}
