package graft.attach;

import graft.attach.Handover.Request;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.Errno;
import graft.platform.linux.SysException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** One attach: handover, one stop of all threads, or everything taken back. */
final class Injector {
    private static final long STATE_PAGE = 0x1000;

    /** One thread is away, the others run: only the machine's load makes this long. */
    private static final long HANDOVER_NANOS = 2_000_000_000;

    private static final long SYS_MMAP = 9;
    private static final long SYS_MADVISE = 28;
    private static final long MADV_WIPEONFORK = 18;
    private static final long PROT_READ = 1;
    private static final long PROT_READ_WRITE = 3;
    private static final long PROT_READ_EXEC = 5;
    private static final long SHARED_FIXED = 0x100001;
    private static final long PRIVATE_ANONYMOUS_FIXED = 0x100022;
    private static final long PRIVATE_FIXED_NORESERVE = 0x104002;

    private final Target target;
    private final Injection injection;
    private final List<PoolImage> images;
    private final Journal journal;
    private final long options;
    private volatile long handoverNanos; // from the tracer thread of the handover to that of the stop

    Injector(Target target, Injection injection, List<PoolImage> images, Journal journal, long options) {
        this.target = target;
        this.injection = injection;
        this.images = images;
        this.journal = journal;
        this.options = options;
    }

    /** Anything but {@code Attached} is followed by {@link #rollBack}. */
    AttachResult run(Function<Timing, Attachment> attached) {
        try {
            String name = "attach-" + injection.pid();
            Optional<Refusal> refusal = TracerThread.call(name, this::enter);
            if (refusal.isPresent()) {
                return new AttachResult.Refused(refusal.get());
            }
            return switch (new Arming(target, injection, injection.plan(), options).run(name)) {
                case Arming.Outcome.Done(var held, var threads) -> {
                    Timing timing = new Timing(handoverNanos, held, threads);
                    yield new AttachResult.Attached(attached.apply(timing), timing);
                }
                case Arming.Outcome.Refused(var reason) -> new AttachResult.Refused(reason);
            };
        } catch (DeadlineException late) {
            return late(late);
        } catch (TraceeGoneException gone) {
            if (Ending.comesSoon(injection.pid())) {
                journal.delete();
            }
            return new AttachResult.TargetGone(injection.pid(), gone.getMessage());
        } catch (SysException failed) {
            if (Ending.comesSoon(injection.pid())) {
                journal.delete();
                return new AttachResult.TargetGone(injection.pid(), failed.getMessage());
            }
            return new AttachResult.Refused(
                    new Refusal(Refusal.Kind.SYSTEM_CALL, failed.getMessage(), "graft doctor -p " + injection.pid()));
        }
    }

    private static AttachResult late(DeadlineException late) {
        return new AttachResult.Refused(
                new Refusal(Refusal.Kind.DEADLINE, late.getMessage(), "attach again when the process is less busy"));
    }

    /** Takes back what a refused attach left. Not on the tracer's thread: what that one holds is free when it ends. */
    void rollBack() {
        try {
            Undo.Report report = Undo.perform(target, journal.undo(), options);
            if (report.quarantined().isEmpty() && report.notes().isEmpty()) {
                journal.delete();
            }
        } catch (TraceeGoneException gone) {
            journal.delete();
        } catch (DeadlineException late) {
            // The journal stays, and recovery takes it from there when this process has ended.
            target.steps().before("rollback-late");
        }
    }

    /** The first thread alone: maps everything, writes what is data. */
    private Optional<Refusal> enter() {
        List<Request> calls = mappings();
        try (Urgency urgency = new Urgency();
                Tracees tracees = new Tracees(injection.pid(), options)) {
            TracedThread leader = tracees.leader();
            try (Handover handover =
                    new Handover(target, tracees, leader, journal.undo().hole(), calls)) {
                target.steps().before("leader-seized");
                urgency.begin(injection.pid(), leader.tid);
                tracees.seizeLeader(leader);
                boolean done = false;
                try {
                    Optional<Operations.Failure> failure = handover.perform(System.nanoTime() + HANDOVER_NANOS);
                    done = failure.isEmpty();
                    if (!done) {
                        return Optional.of(not64(failure.get()));
                    }
                } finally {
                    if (!done) {
                        handover.putBack();
                    }
                }
                handoverNanos = handover.heldNanos();
                return check(calls, handover.results()).or(this::writeRuntimes);
            }
        }
    }

    private Refusal not64(Operations.Failure failure) {
        if (failure.errno() != Errno.ENOEXEC) {
            throw failure.exception(injection.pid());
        }
        return new Refusal(
                Refusal.Kind.NOT_64_BIT, "process " + injection.pid() + " runs 32-bit code", "a 64-bit build");
    }

    private List<Request> mappings() {
        List<Request> calls = new ArrayList<>();
        for (PoolImage image : images) {
            // The pool first: an undo knows the runtime region by the pool above it.
            calls.add(mmap(
                    new Range(image.pool().address(), image.pool().size()),
                    PROT_READ_EXEC,
                    SHARED_FIXED,
                    OptionalInt.of(image.descriptor()),
                    0));
            RemoteAddress runtime = image.pool().address().plus(-PoolConstants.RUNTIME_SIZE);
            calls.add(mmap(
                    new Range(runtime, PoolConstants.RUNTIME_SIZE),
                    PROT_READ_WRITE,
                    PRIVATE_ANONYMOUS_FIXED,
                    OptionalInt.empty(),
                    0));
        }
        for (Injection.Region region : injection.regions()) {
            long protection = switch (region.protection()) {
                case READ_ONLY -> PROT_READ;
                case READ_WRITE, PRIVATE -> PROT_READ_WRITE;
            };
            long flags = switch (region.protection()) {
                case READ_ONLY, READ_WRITE -> SHARED_FIXED;
                case PRIVATE -> PRIVATE_FIXED_NORESERVE;
            };
            Range range = new Range(region.address(), region.size());
            calls.add(mmap(range, protection, flags, OptionalInt.of(region.fd()), region.fileOffset()));
        }
        for (PoolImage image : images) {
            calls.add(new Request(
                    SYS_MADVISE,
                    List.of(
                            image.pool().address().value() - PoolConstants.RUNTIME_SIZE,
                            STATE_PAGE,
                            MADV_WIPEONFORK,
                            0L,
                            0L,
                            0L),
                    OptionalInt.empty()));
        }
        return calls;
    }

    private Optional<Refusal> check(List<Request> calls, long[] results) {
        for (int i = 0; i < results.length; i++) {
            Request call = calls.get(i);
            long expected = call.number() == SYS_MMAP ? call.arguments().getFirst() : 0;
            if (results[i] != expected) {
                return Optional.of(failed(call, results[i]));
            }
        }
        return Optional.empty();
    }

    private Optional<Refusal> writeRuntimes() {
        for (PoolImage image : images) {
            target.steps().before("runtime-written");
            target.memory()
                    .writeBytes(
                            image.pool().address().plus(PoolConstants.CONFIG_OFFSET - PoolConstants.RUNTIME_SIZE),
                            image.pool().runtime().bytes());
        }
        return Optional.empty();
    }

    private record Range(RemoteAddress address, long size) {}

    private static Request mmap(Range range, long protection, long flags, OptionalInt fd, long offset) {
        return new Request(
                SYS_MMAP, List.of(range.address().value(), range.size(), protection, flags, -1L, offset), fd);
    }

    private Refusal failed(Request call, long result) {
        String what = "mapping " + call.arguments().get(1) + " bytes at 0x"
                + Long.toHexString(call.arguments().getFirst()) + " in process " + injection.pid();
        int errno = result < 0 ? (int) -result : Errno.EEXIST;
        Refusal.Kind kind = errno == Errno.EEXIST ? Refusal.Kind.ADDRESS_TAKEN : Refusal.Kind.SYSTEM_CALL;
        return new Refusal(kind, new SysException("mmap", errno, what).getMessage(), "plan again");
    }
}
