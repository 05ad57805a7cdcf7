package graft.cli;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.cli.error.Problem;
import graft.cli.option.OutputFormat;
import graft.cli.process.Interruption;
import graft.daemon.KernelPart;
import graft.daemon.KernelSession;
import graft.daemon.Placement;
import graft.daemon.Prints;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.daemon.control.SessionServer;
import graft.ebpf.maps.BpfMap;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A session of a command: opened, kept until its time is over, the targets end or Ctrl-C comes, then undone. Ctrl-C does
 * not end the process before the undo is done.
 */
final class LiveSession implements AutoCloseable {
    private static final long CHECK_MILLIS = 100;

    private final Session session;
    private final Optional<KernelPart> kernel;
    private final Interruption interruption;
    private final Optional<SessionServer> server;
    private Optional<PrintedLines> lines = Optional.empty();

    private LiveSession(Session session, Optional<KernelPart> kernel, Interruption interruption) {
        this.session = session;
        this.kernel = kernel;
        this.interruption = interruption;
        this.server = serve(session);
    }

    /** The session runs as well when nobody can look at it. */
    private static Optional<SessionServer> serve(Session session) {
        try {
            return Optional.of(SessionServer.open(session));
        } catch (IOException e) {
            System.err.println("graft map, prog and link will not see this session: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** Opens a session or fails with the refusal's message. */
    static LiveSession open(SessionRequest request) {
        return open(request, Map.of());
    }

    /** The same with maps that exist already. */
    static LiveSession open(SessionRequest request, Map<String, BpfMap> given) {
        return switch (attempt(request, given, Optional.empty())) {
            case Opening.Opened(var session) -> session;
            case Opening.Refused(var why) -> throw SessionProblems.of(why).failure();
        };
    }

    /** The outcome of opening. */
    sealed interface Opening {
        record Opened(LiveSession session) implements Opening {}

        /** Nothing runs in any process. */
        record Refused(SessionRefusal why) implements Opening {}
    }

    /** Opens both parts of a divided request, the kernel's first, for it has the shared memory. */
    static LiveSession open(Placement placement) {
        return switch (attempt(placement)) {
            case Opening.Opened(var session) -> session;
            case Opening.Refused(var why) -> throw SessionProblems.of(why).failure();
        };
    }

    /** The same, for callers that have an answer to a refusal by a process. */
    static Opening attempt(Placement placement) {
        if (!placement.needsKernel()) {
            return attempt(placement.inProcesses(), Map.of(), Optional.empty());
        }
        KernelPart kernel = switch (KernelPart.open(placement)) {
            case KernelPart.Opening.Opened(var part) -> part;
            case KernelPart.Opening.Refused(var why) ->
                throw SessionProblems.of(why).failure();
        };
        return attempt(placement.inProcesses(), kernel.arrays(), Optional.of(kernel));
    }

    private static Opening attempt(SessionRequest request, Map<String, BpfMap> given, Optional<KernelPart> kernel) {
        Attacher attacher = new Attacher();
        Interruption interruption = new Interruption(); // before the first target is touched
        boolean isOpen = false;
        try {
            Opening opening = switch (Session.open(request, given, AgentImage.load(), attacher)) {
                case Session.Opening.Opened(var session) ->
                    new Opening.Opened(new LiveSession(session, kernel, interruption));
                case Session.Opening.Refused(var refusal) -> new Opening.Refused(refusal);
            };
            isOpen = opening instanceof Opening.Opened;
            return opening;
        } finally {
            if (!isOpen) {
                kernel.ifPresent(KernelPart::close);
                interruption.close();
            }
        }
    }

    Session session() {
        return session;
    }

    /** What of it runs in the kernel. */
    Optional<KernelSession> kernel() {
        return kernel.map(KernelPart::session);
    }

    /** Whether the session should go on: no Ctrl-C yet and a target alive. */
    boolean goesOn() {
        return !interruption.hasCome() && session.hasLiveTarget();
    }

    /** Waits until the time is over, all targets have ended, or Ctrl-C. */
    void await(Optional<Duration> duration) {
        long deadline = duration.map(time -> System.nanoTime() + time.toNanos()).orElse(Long.MAX_VALUE);
        boolean stopped = false;
        while (!stopped && session.hasLiveTarget() && System.nanoTime() < deadline) {
            long left = Math.min(CHECK_MILLIS, Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
            stopped = interruption.await(left);
        }
    }

    /** Shows what its programs print, until it is undone. */
    void show(PrintWriter out, OutputFormat format) {
        lines = Prints.of(session.collection()).map(prints -> new PrintedLines(prints, out, format));
    }

    /** Undoes everything; fails with a message when a target is not as before. */
    List<DetachProof> detach() {
        kernel().ifPresent(KernelSession::detach);
        List<DetachProof> proofs = session.detach();
        for (DetachProof proof : proofs) {
            if (proof.outcome() == DetachProof.Outcome.INCOMPLETE) {
                Problem problem = Problem.of(
                        "T100", "undo is not proven: " + proof.restored() + " of " + proof.sites() + " sites restored");
                for (String note : proof.notes()) {
                    problem = problem.because(note);
                }
                throw problem.failure();
            }
        }
        lines.ifPresent(PrintedLines::close); // it may have to say that its ring is damaged, which matters less
        return proofs;
    }

    @Override
    public void close() {
        try {
            server.ifPresent(SessionServer::close);
            session.detach();
        } finally {
            closeMaps();
        }
    }

    /** Whoever shows lines uses a ring, and has ended before that is closed. */
    private void closeMaps() {
        try {
            lines.ifPresent(PrintedLines::close);
        } finally {
            session.close();
            kernel.ifPresent(KernelPart::close);
            interruption.close();
        }
    }
}
