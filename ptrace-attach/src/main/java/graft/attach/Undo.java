package graft.attach;

import graft.attach.DetachProof.Quarantined;
import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.attach.UndoRecord.Site;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.TracerConstants;
import graft.platform.linux.Errno;
import graft.platform.linux.Sched;
import graft.platform.linux.SysException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Takes an undo record back: disables, restores text, proves the pools idle, unmaps. Looks at what is there instead of
 * remembering what was done, so it can be repeated, and finishes what another process began. Runs on a tracer thread.
 */
final class Undo {
    private static final long DEADLINE_NANOS = 250_000_000;

    /** One thread is away, the others run: only the machine's load makes this long. */
    private static final long HANDOVER_NANOS = 2_000_000_000;

    private static final long CANCELLATION_NANOS = 300_000_000;
    private static final long CANCELLATION_PAUSE_NANOS = 200_000;
    private static final int ATTEMPTS = 5;
    private static final int ROUNDS = 25;
    private static final long FIRST_PAUSE_NANOS = 5_000_000;
    private static final long LONGEST_PAUSE_NANOS = 500_000_000;
    private static final long SYS_MUNMAP = 11;
    private static final long FOLLOWED = PoolConstants.CONFIG_OFFSET + ConfigLayout.FOLLOWED;
    private static final byte[] INACTIVE = new byte[4];

    private final Target target;
    private final UndoRecord undo;
    private final long options;
    private final List<String> notes = new ArrayList<>();
    private final List<Quarantined> quarantined = new ArrayList<>();
    private List<Site> present = List.of();
    private int restored;
    private long stopNanos;
    private long handoverNanos;
    private int threads;

    Undo(Target target, UndoRecord undo, long options) {
        this.target = target;
        this.undo = undo;
        this.options = options;
    }

    /**
     * What was reached.
     *
     * @param present the sites whose library was still mapped
     */
    record Report(int restored, List<Site> present, List<Quarantined> quarantined, List<String> notes, Timing timing) {}

    /**
     * Undoes on a tracer thread. A missed deadline is tried again on a fresh one, as every step may be repeated, and so is
     * text that was unloaded meanwhile.
     */
    static Report perform(Target target, UndoRecord undo, long options) {
        for (int attempt = 1; ; attempt++) {
            try {
                return TracerThread.call("undo-" + undo.pid(), () -> new Undo(target, undo, options).run());
            } catch (DeadlineException late) {
                if (attempt == ATTEMPTS) {
                    throw late;
                }
            } catch (SysException failed) {
                if (Ending.comesSoon(undo.pid())) {
                    throw new TraceeGoneException(undo.pid(), failed.doing());
                }
                if (attempt == ATTEMPTS || failed.errno() != Errno.EIO) {
                    throw failed;
                }
            }
        }
    }

    Report run() {
        if (!undo.execution().isCurrent(undo.pid())) {
            throw new TraceeGoneException(undo.pid(), "its text was to be restored");
        }
        List<Range> mapped = mapped();
        LoadedText text = LoadedText.of(target, undo);
        present = text.sites();
        restored = undo.sites().size() - present.size();
        disable(mapped);
        new Semaphores(target, undo.counters()).lower(mapped, text);
        awaitCancellations(mapped);
        boolean idle = restoreText(mapped);
        List<Handover.Request> cancellations = Cancellations.pending(target.pid(), mapped);
        if (!cancellations.isEmpty()) {
            target.steps().before("cancellations-sent");
            handOver(cancellations);
        }
        if (idle) {
            unmap(mapped);
        } else {
            for (Range range : mapped) {
                quarantined.add(new Quarantined(range.address(), range.size(), "a thread may still return into it"));
            }
        }
        return new Report(restored, present, quarantined, notes, new Timing(handoverNanos, stopNanos, threads));
    }

    /** The ranges that are there and are ours; pools last, as heirs are known by them. */
    private List<Range> mapped() {
        ProcMaps maps = ProcMaps.read(target.pid());
        List<Range> files = undo.ranges().stream()
                .filter(range -> range.kind() != Kind.RUNTIME)
                .filter(range -> maps.at(range.address())
                        .filter(m -> m.inode() == range.inode())
                        .isPresent())
                .sorted(Comparator.comparing(range -> range.kind() == Kind.POOL))
                .toList();
        // A runtime region is mapped after its pool and unmapped before it.
        Stream<Range> runtimes = undo.ranges().stream()
                .filter(range -> range.kind() == Kind.RUNTIME)
                .filter(range -> files.stream()
                        .anyMatch(file ->
                                file.kind() == Kind.POOL && file.address().minus(range.address()) == range.size()))
                .filter(range -> maps.at(range.address())
                        .filter(m -> m.inode() == 0 && m.path().isEmpty())
                        .isPresent());
        return Stream.concat(runtimes, files.stream()).toList();
    }

    private void disable(List<Range> mapped) {
        for (Range range : mapped) {
            if (range.kind() == Kind.RUNTIME) {
                target.steps().before("probes-disabled");
                target.memory().writeBytes(range.address().plus(FOLLOWED), INACTIVE);
                target.memory().writeBytes(range.address(), INACTIVE);
            }
        }
    }

    /**
     * Those that wait come to their end while the text still knows what they are; their signals would be any signal's later, which
     * ends some calls with EINTR. What waits for longer than programs run on is left to {@link Cancellations}.
     */
    private void awaitCancellations(List<Range> mapped) {
        long end = System.nanoTime() + CANCELLATION_NANOS;
        while (!Cancellations.pending(target.pid(), mapped).isEmpty() && System.nanoTime() < end) {
            Sched.nanosleep(CANCELLATION_PAUSE_NANOS);
        }
    }

    /** Restores every site in a stop. @return whether no thread can be in a pool any more */
    private boolean restoreText(List<Range> mapped) {
        try (Arena arena = Arena.ofConfined()) {
            IdleProof proof = new IdleProof(mapped, undo.hole(), arena);
            long pause = FIRST_PAUSE_NANOS;
            List<TextSpan> pending = TextSpan.of(target, present);
            int rounds = 0;
            while (rounds < ROUNDS) {
                Stopped stopped = restoreInOneStop(proof, pending);
                pending = stopped.left();
                if (stopped.pools() == Pools.MORE_CALLS) {
                    continue; // each such stop has ended some
                }
                rounds++;
                if (stopped.pools() == Pools.IDLE && pending.isEmpty()) {
                    return true;
                }
                if (!pending.isEmpty()) {
                    continue;
                }
                // A thread that waits for a processor inside the pool stops without running an instruction. So the
                // pauses grow: stopping it again before it was scheduled would keep it there for ever.
                Sched.nanosleep(pause);
                pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
            }
        }
        return false;
    }

    /** Who can come into the pools, in the order of the tracer's numbers. */
    private enum Pools {
        /** No thread. */
        IDLE,
        /** A thread that is there, or will return there. */
        IN_USE,
        /** Wrapped calls that can be ended, but not all in one stop. */
        MORE_CALLS
    }

    /**
     * What a stop has reached.
     *
     * @param left sites whose span was not as expected, each for itself
     */
    private record Stopped(Pools pools, List<TextSpan> left) {}

    private Stopped restoreInOneStop(IdleProof proof, List<TextSpan> spans) {
        try (Urgency urgency = new Urgency();
                Tracees tracees = new Tracees(target.pid(), options)) {
            TextRestoring text = new TextRestoring(spans);
            Operations operations = new Operations(target, tracees, text.operations() + 3);
            operations.add(TracerConstants.OP_STOP_ALL);
            text.prepare(operations);
            int idle = operations.addStep(
                    "idle-looked",
                    TracerConstants.OP_IDLE,
                    proof.prepare(target.pid(), operations).address());
            operations.addStep("threads-resumed", TracerConstants.OP_DETACH_ALL);
            urgency.begin(target.pid(), target.pid());
            tracees.seizeNew();
            operations.performAll(System.nanoTime() + DEADLINE_NANOS);
            threads = tracees.all().size();
            stopNanos = Math.max(stopNanos, operations.heldNanos());
            TextRestoring.Report report = text.report(operations);
            restored += report.restored();
            report.foreign()
                    .forEach(span -> notes.add(
                            "the bytes at " + span.address() + " are neither the original ones nor ours; left alone"));
            return new Stopped(Pools.values()[(int) operations.result(idle)], report.left());
        }
    }

    private void unmap(List<Range> mapped) {
        if (mapped.isEmpty()) {
            fillHole();
            return;
        }
        List<Handover.Request> calls = mapped.stream()
                .map(range -> new Handover.Request(
                        SYS_MUNMAP,
                        List.of(range.address().value(), range.size(), 0L, 0L, 0L, 0L),
                        OptionalInt.empty()))
                .toList();
        note(mapped, handOver(calls));
    }

    /** Lets the target make these calls. @return what they gave */
    private long[] handOver(List<Handover.Request> calls) {
        try (Urgency urgency = new Urgency();
                Tracees tracees = new Tracees(target.pid(), options)) {
            TracedThread leader = tracees.leader();
            try (Handover handover = new Handover(target, tracees, leader, undo.hole(), calls)) {
                urgency.begin(target.pid(), leader.tid);
                tracees.seizeLeader(leader);
                boolean done = false;
                try {
                    Optional<Operations.Failure> failure = handover.perform(System.nanoTime() + HANDOVER_NANOS);
                    if (failure.isPresent()) {
                        throw failure.get().exception(target.pid());
                    }
                    done = true;
                } finally {
                    if (!done) {
                        handover.putBack();
                    }
                }
                handoverNanos = Math.max(handoverNanos, handover.heldNanos());
                return handover.results();
            }
        }
    }

    private void note(List<Range> mapped, long[] results) {
        for (int i = 0; i < results.length; i++) {
            if (results[i] != 0) {
                Range range = mapped.get(i);
                quarantined.add(new Quarantined(range.address(), range.size(), "munmap failed with " + results[i]));
            }
        }
    }

    private void fillHole() {
        byte[] now =
                target.memory().readBytes(undo.hole().address(), undo.hole().oldBytes().length);
        if (!Arrays.equals(now, undo.hole().oldBytes())) {
            target.memory().writeBytes(undo.hole().address(), undo.hole().oldBytes());
        }
    }
}
