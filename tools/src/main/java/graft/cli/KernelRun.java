package graft.cli;

import graft.bridge.KernelMap;
import graft.cli.error.Problem;
import graft.daemon.KernelSession;
import graft.daemon.SessionRequest;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** {@code graft run --where kernel}: the same object on the kernel's own probes. */
final class KernelRun {
    private static final long CHECK_MILLIS = 100;

    private KernelRun() {}

    static void run(SessionRequest request, Optional<Duration> duration, MapReporter reporter) {
        try (Interruption interruption = new Interruption()) {
            switch (KernelSession.open(request, Map.of())) {
                case KernelSession.Opening.Rejected(var rejection) ->
                    throw SessionProblems.of(rejection).failure();
                case KernelSession.Opening.Refused(var what, var why, var suggestion) ->
                    throw Problem.of("D004", what)
                            .because(why)
                            .remedy(suggestion)
                            .failure();
                case KernelSession.Opening.NotFound(var refusal) ->
                    throw SessionProblems.of(refusal).failure();
                case KernelSession.Opening.Opened(var session) -> {
                    try (session) {
                        reporter.attachedToKernel(session.links());
                        await(request, duration, interruption);
                        session.detach();
                        print(session, reporter);
                    }
                }
            }
        }
    }

    private static void print(KernelSession session, MapReporter reporter) {
        session.maps().values().stream()
                .filter(map -> map.spec().content().isEmpty() && map.spec().keySize() > 0)
                .filter(map -> !map.spec().name().startsWith("."))
                .forEach(map -> print(map, reporter));
    }

    private static void print(KernelMap map, MapReporter reporter) {
        for (byte[] key : map.keys()) {
            map.lookup(key).ifPresent(value -> reporter.kernelRow(map.spec(), key, value));
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
