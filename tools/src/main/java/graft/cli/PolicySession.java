package graft.cli;

import graft.cli.error.Problem;
import graft.cli.policy.PolicyPrograms;
import graft.daemon.SessionRequest;
import graft.platform.proc.ProcessStatus;

/** Opens sessions with rules for system calls. */
final class PolicySession {
    private PolicySession() {}

    /** A session or a failure with its message. */
    static LiveSession open(SessionRequest request) {
        return switch (PolicyPrograms.place(request)) {
            case PolicyPrograms.Placing.Refused(var refusal) ->
                throw SessionProblems.of(refusal).failure();
            case PolicyPrograms.Placing.Placed(var placement) -> {
                if (placement.needsKernel()) {
                    request.pids().forEach(PolicySession::requireKernelsNumbers);
                }
                yield LiveSession.open(placement);
            }
        };
    }

    /** The program in the kernel knows threads by its numbers only. */
    private static void requireKernelsNumbers(int pid) {
        if (ProcessStatus.of(pid).namespacePids().size() > 1) {
            throw Problem.of(
                            "P006",
                            "process " + pid + " is in a pid namespace of its own, so no signals can be sent there")
                    .remedy("leave signals out")
                    .failure();
        }
    }
}
