package graft.cli;

import graft.cli.process.Interruption;
import graft.daemon.KernelSession;
import graft.daemon.SessionRequest;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code graft run --where kernel}: the same object on the kernel's own probes. */
final class KernelRun {
    private static final long CHECK_MILLIS = 100;

    private KernelRun() {}

    static void run(SessionRequest request, Optional<Duration> duration, MapReporter reporter) {
        try (Interruption interruption = new Interruption()) {
            switch (KernelSession.open(request, Map.of())) {
                case KernelSession.Opening.Rejected rejected ->
                    throw SessionProblems.of(rejected).failure();
                case KernelSession.Opening.Refused refused ->
                    throw SessionProblems.of(refused).failure();
                case KernelSession.Opening.NotFound notFound ->
                    throw SessionProblems.of(notFound).failure();
                case KernelSession.Opening.Opened(var session) -> {
                    try (session) {
                        reporter.attachedToKernel(session.links());
                        await(request, duration, interruption);
                        session.detach();
                        reporter.kernelMaps(session, Set.of());
                    }
                }
            }
        }
    }

    private static void await(SessionRequest request, Optional<Duration> duration, Interruption interruption) {
        long deadline = duration.map(time -> System.nanoTime() + time.toNanos()).orElse(Long.MAX_VALUE);
        boolean stopped = false;
        while (!stopped && System.nanoTime() < deadline && anyAlive(request)) {
            long left = Math.min(CHECK_MILLIS, Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
            stopped = interruption.await(left);
        }
    }

    private static boolean anyAlive(SessionRequest request) {
        return request.pids().stream().anyMatch(pid -> ProcessHandle.of(pid).isPresent());
    }
}
