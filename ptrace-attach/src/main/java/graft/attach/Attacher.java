package graft.attach;

import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.attach.UndoRecord.Site;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcMem;
import graft.platform.linux.Ptrace;
import graft.platform.linux.SysException;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.NoSuchProcessException;
import graft.platform.proc.ProcessStat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Puts injections into processes. Stateless apart from its journal directory; any thread may use it, and each attach runs
 * on an OS thread of its own.
 */
public final class Attacher {
    private final Path journals;
    private final StepListener steps;

    /** Journals go to {@code /run/graft} (root) or to the user's runtime or state directory. */
    public Attacher() {
        this(Journal.defaultDirectory(), StepListener.NONE);
    }

    /**
     * @param journals directory of the undo journals, created when it is missing
     * @param steps told before each step that the target or the disk can see
     */
    public Attacher(Path journals, StepListener steps) {
        this.journals = journals;
        this.steps = steps;
    }

    /**
     * Makes the first real stop as short as later ones, by attaching to a child of ours and detaching from it. Leaves
     * nothing. @return how many rounds were done; fewer than 20 when attaching is not possible here
     */
    public int warmUp() {
        return new WarmUp(new Attacher(journals, StepListener.NONE)).run();
    }

    /** Puts {@code injection} into its process. Nothing is left behind unless the result is {@code Attached}. */
    public AttachResult attach(Injection injection) {
        return switch (TargetInspection.inspect(injection.pid())) {
            case TargetInspection.Refused(var refusal) -> new AttachResult.Refused(refusal);
            case TargetInspection.Attachable(var facts) -> attach(injection, facts);
        };
    }

    private AttachResult attach(Injection injection, TargetFacts facts) {
        List<PoolImage> images = new ArrayList<>();
        boolean attached = false;
        try (ProcMem memory = ProcMem.open(injection.pid())) {
            Turn.await(injection.pid(), memory);
            Target target = new Target(injection.pid(), memory, step -> steps.before("attach:" + step));
            ProcMaps maps = ProcMaps.read(injection.pid());
            for (Injection.Pool pool : injection.pools()) {
                PoolImage image = PoolImage.create(pool);
                images.add(image);
                image.fill(injection.plan().code());
            }
            List<Range> ranges =
                    ranges(injection, images.stream().map(PoolImage::descriptor).toList());
            Optional<Refusal> refusal = check(injection, ranges, maps, target);
            if (refusal.isPresent()) {
                return new AttachResult.Refused(refusal.get());
            }
            Optional<Hole> hole = Hole.find(maps, memory);
            if (hole.isEmpty()) {
                return new AttachResult.Refused(new Refusal(
                        Refusal.Kind.NO_ROOM,
                        "process " + injection.pid() + " has no unused kilobyte at the end of executable memory",
                        "start the program under graft instead"));
            }
            DetachProof.Census before = Evidence.census(injection.pid());
            target.steps().before("journal-written");
            Journal journal = Journal.write(
                    journals,
                    record(injection, facts, new Place(hole.get(), maps), ranges)
                            .counting(Semaphores.read(target, injection.semaphores(), maps)));
            Injector injector = new Injector(target, injection, images, journal, options(facts));
            AttachResult result =
                    injector.run(timing -> new Attachment(injection, facts, images, journal, before, steps, timing));
            if (result instanceof AttachResult.Attached) {
                raiseSemaphores(target, injector, journal);
            }
            attached = result instanceof AttachResult.Attached;
            if (result instanceof AttachResult.Refused) {
                injector.rollBack();
            }
            return result;
        } catch (TraceeGoneException | NoSuchProcessException gone) {
            return new AttachResult.TargetGone(injection.pid(), gone.getMessage());
        } catch (DeadlineException late) {
            return new AttachResult.Refused(
                    new Refusal(Refusal.Kind.DEADLINE, late.getMessage(), "attach again when that one has ended"));
        } catch (SysException failed) {
            return Ending.comesSoon(injection.pid())
                    ? new AttachResult.TargetGone(injection.pid(), failed.getMessage())
                    : new AttachResult.Refused(new Refusal(
                            Refusal.Kind.SYSTEM_CALL, failed.getMessage(), "graft doctor -p " + injection.pid()));
        } finally {
            if (!attached) {
                images.forEach(PoolImage::close);
            }
        }
    }

    /** Last: the program looks for the arguments of its static probes only when somebody sees them. */
    private static void raiseSemaphores(Target target, Injector injector, Journal journal) {
        try {
            new Semaphores(target, journal.undo().counters())
                    .raise(journal.undo().ranges());
        } catch (SysException failed) {
            injector.rollBack();
            throw failed;
        }
    }

    static long options(TargetFacts facts) {
        boolean filtered = facts.seccomp() != TargetFacts.Seccomp.NONE;
        return Ptrace.O_TRACEEXEC | (filtered ? Ptrace.O_SUSPEND_SECCOMP : 0);
    }

    private static Optional<Refusal> check(Injection injection, List<Range> ranges, ProcMaps maps, Target target) {
        for (Range range : ranges) {
            Optional<MemoryMapping> taken = maps.overlapping(range.address(), range.size());
            if (taken.isPresent()) {
                return Optional.of(new Refusal(
                        Refusal.Kind.ADDRESS_TAKEN,
                        range.size() + " bytes at " + range.address() + " overlap "
                                + taken.get().path().orElse("memory") + " at "
                                + taken.get().start(),
                        "plan again"));
            }
        }
        target.steps().before("limits-read");
        return new MemoryCheck(injection.pid(), maps, ranges)
                .check()
                .or(() -> new Patcher(target, injection.plan()).verify());
    }

    /** Everything that the injection maps; {@code pools} are the descriptors of its pools. */
    private static List<Range> ranges(Injection injection, List<Integer> pools) {
        List<Range> ranges = new ArrayList<>();
        for (int i = 0; i < pools.size(); i++) {
            Injection.Pool pool = injection.pools().get(i);
            RemoteAddress runtime = pool.address().plus(-PoolConstants.RUNTIME_SIZE);
            ranges.add(new Range(Kind.RUNTIME, runtime, PoolConstants.RUNTIME_SIZE, 0));
            ranges.add(new Range(Kind.POOL, pool.address(), pool.size(), inode(pools.get(i))));
        }
        for (Injection.Region region : injection.regions()) {
            ranges.add(new Range(Kind.REGION, region.address(), region.size(), inode(region.fd())));
        }
        return ranges;
    }

    private static long inode(int descriptor) {
        try {
            return (long) Files.getAttribute(Path.of("/proc/self/fd/" + descriptor), "unix:ino");
        } catch (IOException failed) {
            throw new UncheckedIOException("looking at descriptor " + descriptor, failed);
        }
    }

    /** Where the routine goes, and what was mapped when that was decided. */
    private record Place(Hole hole, ProcMaps maps) {}

    private static UndoRecord record(Injection injection, TargetFacts facts, Place place, List<Range> ranges) {
        int self = (int) ProcessHandle.current().pid();
        return new UndoRecord(
                facts.pid(),
                facts.startTime(),
                Evidence.bootId(),
                facts.execution(),
                self,
                ProcessStat.of(self).startTime(),
                place.hole(),
                ranges,
                injection.plan().sites().stream()
                        .map(site -> new Site(
                                site.address(),
                                site.oldBytes(),
                                site.newBytes(),
                                place.maps()
                                        .at(site.address())
                                        .map(MemoryMapping::inode)
                                        .orElse(0L)))
                        .toList(),
                List.of());
    }
}
