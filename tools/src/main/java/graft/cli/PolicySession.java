package graft.cli;

import graft.cli.error.Problem;
import graft.cli.policy.PolicyPrograms;
import graft.daemon.SessionRequest;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Opens sessions with rules for system calls. */
final class PolicySession {
    /** Who may be sent signals: a map of the kernel's program alone. */
    private static final String RECEIVERS = "rule_receivers";

    private PolicySession() {}

    /** A session or a failure with its message. */
    static LiveSession open(SessionRequest request) {
        return switch (PolicyPrograms.place(request)) {
            case PolicyPrograms.Placing.Refused(var refusal) ->
                throw SessionProblems.of(refusal).failure();
            case PolicyPrograms.Placing.Placed(var placement) -> {
                if (placement.needsKernel()) {
                    requireNoFollowing(request);
                }
                LiveSession live = LiveSession.open(placement);
                live.kernel()
                        .map(kernel -> kernel.maps().get(RECEIVERS))
                        .ifPresent(receivers ->
                                request.pids().forEach(pid -> receivers.update(number(pid), number(1), 0)));
                yield live;
            }
        };
    }

    private static byte[] number(int number) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }

    private static void requireNoFollowing(SessionRequest request) {
        if (request.onFork() == ForkedChildren.FOLLOWED) {
            throw Problem.of("U001", "signals are not sent to processes that are followed")
                    .because("the program in the kernel that sends them is told its processes when it starts")
                    .remedy("without --follow, or without signals")
                    .failure();
        }
    }
}
