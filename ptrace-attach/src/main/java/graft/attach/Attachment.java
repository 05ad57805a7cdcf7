package graft.attach;

import graft.attach.DetachProof.Census;
import graft.attach.DetachProof.Outcome;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.ProcessStat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * An injection that is in place. May be held for long and used by any thread; {@link #detach} takes it back once.
 * Forgetting it leaves the target as it is: the journal still says how to undo it.
 */
public final class Attachment {
    private static final long MISSED_RUNS = PoolConstants.CONFIG_OFFSET + ConfigLayout.MISSED_RUNS;
    private static final long LOCKS_TAKEN_OVER = PoolConstants.CONFIG_OFFSET + ConfigLayout.LOCKS_TAKEN_OVER;
    private static final long MISSED_RETURNS = PoolConstants.CONFIG_OFFSET + ConfigLayout.MISSED_RETURNS;
    private static final Census NOTHING = new Census(0, 0, 0, 0);

    private final Injection injection;
    private final TargetFacts facts;
    private final List<PoolImage> images;
    private final Journal journal;
    private final Census before;
    private final StepListener steps;
    private final Timing timing;
    private State state = State.ON; // guarded by this

    private enum State {
        ON,
        /** The text is the original one, and everything else is there. */
        OFF,
        /** Neither, as the last switch was refused. */
        BETWEEN,
        DETACHED
    }

    Attachment(
            Injection injection,
            TargetFacts facts,
            List<PoolImage> images,
            Journal journal,
            Census before,
            StepListener steps,
            Timing timing) {
        this.injection = injection;
        this.facts = facts;
        this.images = List.copyOf(images);
        this.journal = journal;
        this.before = before;
        this.steps = steps;
        this.timing = timing;
    }

    /** What was put in. */
    public Injection injection() {
        return injection;
    }

    /** The target as it was found. */
    public TargetFacts facts() {
        return facts;
    }

    /** How long the attach held the target. */
    public Timing timing() {
        return timing;
    }

    /** Whether the very process that was attached to still lives. */
    public boolean isAlive() {
        return ProcessStat.find(facts.pid())
                .filter(stat -> stat.startTime() == facts.startTime())
                .filter(stat -> !stat.processEnded())
                .filter(_ -> facts.execution().isCurrent(facts.pid()))
                .isPresent();
    }

    /** The living processes that have what was put in because the target forked them, or one of them did. */
    public List<Integer> heirs() {
        return Heirs.of(journal.undo());
    }

    /**
     * Whether {@code pid} is a living process that has what was put in: the target, or one that it or its children forked. For
     * numbers that a target has written, which may be any.
     */
    public boolean isIn(int pid) {
        return pid > 0 && Heirs.isFamily(journal.undo(), pid);
    }

    /** Reads the runtime region of {@code pool} from {@code offset} on, for example its counters. */
    public byte[] readRuntime(Injection.Pool pool, long offset, int length) {
        requireInside(offset, length);
        try (ProcMem memory = openMemory("reading its runtime region")) {
            return memory.readBytes(runtime(pool).plus(offset), length);
        }
    }

    /** Writes the runtime region of {@code pool} from {@code offset} on. */
    public void writeRuntime(Injection.Pool pool, long offset, byte[] bytes) {
        requireInside(offset, bytes.length);
        try (ProcMem memory = openMemory("writing its runtime region")) {
            memory.writeBytes(runtime(pool).plus(offset), bytes);
        }
    }

    /** Calls that were not wrapped because there was no free return slot; 0 when the target has ended. */
    public long missedReturns() {
        return sum(MISSED_RETURNS);
    }

    /** Calls that no program saw because there was no free stack; 0 when the target has ended. */
    public long missedRuns() {
        return sum(MISSED_RUNS);
    }

    /** Locks in values of maps whose owner was gone or did not leave them in time; 0 when the target has ended. */
    public long locksTakenOver() {
        return sum(LOCKS_TAKEN_OVER);
    }

    private long sum(long counter) {
        try {
            return injection.pools().stream()
                    .mapToLong(pool -> ByteBuffer.wrap(readRuntime(pool, counter, Long.BYTES))
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .getLong())
                    .sum();
        } catch (TraceeGoneException | SysException ended) {
            return 0;
        }
    }

    private ProcMem openMemory(String during) {
        if (!isAlive()) {
            throw new TraceeGoneException(facts.pid(), during);
        }
        return ProcMem.open(facts.pid());
    }

    private RemoteAddress runtime(Injection.Pool pool) {
        if (!injection.pools().contains(pool)) {
            throw new IllegalArgumentException("the pool at " + pool.address() + " is not of this attachment");
        }
        return pool.address().plus(-PoolConstants.RUNTIME_SIZE);
    }

    private static void requireInside(long offset, int length) {
        if (offset < 0 || offset + length > PoolConstants.RUNTIME_SIZE) {
            throw new IllegalArgumentException(offset + "+" + length + " is outside the runtime region");
        }
    }

    /**
     * Gives the target its own text back and keeps everything else: calls cost what they cost without probes, and programs do
     * not run. Calls that have begun return through the pool as before.
     */
    public synchronized Switching switchOff() {
        return switchTo(State.OFF);
    }

    /** The opposite of {@link #switchOff}: programs run again, unless something else is at one of the places meanwhile. */
    public synchronized Switching switchOn() {
        return switchTo(State.ON);
    }

    private Switching switchTo(State wanted) {
        if (state == State.DETACHED || !isAlive()) {
            return new Switching.Gone();
        }
        if (state == wanted) {
            return new Switching.Switched(new Timing(0, 0, 0));
        }
        state = State.BETWEEN;
        ProbeSwitch probes = probeSwitch();
        Switching result = wanted == State.ON ? probes.on() : probes.off();
        if (result instanceof Switching.Switched) {
            state = wanted;
        }
        return result;
    }

    private ProbeSwitch probeSwitch() {
        return new ProbeSwitch(injection, journal.undo(), Attacher.options(facts), steps);
    }

    /**
     * Leaves it in place for longer than this one lives: {@link Recovery#undoKept} takes it back, and {@link Recovery#recover}
     * does not. To be called once, and no {@link #detach} after it.
     */
    public synchronized Path keep() {
        state = State.DETACHED;
        images.forEach(PoolImage::close);
        return journal.keep();
    }

    /** Takes everything back and measures that it did. Doing it again changes nothing more. */
    public synchronized DetachProof detach() {
        UndoRecord undo = state == State.OFF ? probeSwitch().undoWhileOff().orElse(journal.undo()) : journal.undo();
        state = State.DETACHED;
        try {
            if (!isAlive()) {
                return gone("it had ended before the detach, or started another program");
            }
            try (ProcMem memory = ProcMem.open(facts.pid())) {
                Turn.await(facts.pid(), memory);
                Target target = new Target(facts.pid(), memory, step -> steps.before("detach:" + step));
                Undo.Report report = Undo.perform(target, undo, Attacher.options(facts));
                return prove(target, undo, report);
            }
        } catch (TraceeGoneException | DeadlineException | SysException failed) {
            return Ending.comesSoon(facts.pid()) ? gone(failed.getMessage()) : incomplete(failed.getMessage());
        } finally {
            images.forEach(PoolImage::close);
        }
    }

    /** @param undo what was to be undone: less than the journal says when others have places that were ours */
    private DetachProof prove(Target target, UndoRecord undo, Undo.Report report) {
        int sites = journal.undo().sites().size();
        int earlier = sites - undo.sites().size();
        Heirs.Report heirs = Heirs.restore(journal.undo(), steps);
        boolean restored =
                report.restored() + earlier == sites && heirs.failures().isEmpty();
        if (restored && report.quarantined().isEmpty()) {
            target.steps().before("journal-deleted");
            journal.delete();
        }
        return new DetachProof(
                restored ? Outcome.RESTORED : Outcome.INCOMPLETE,
                sites,
                report.restored() + earlier,
                heirs.restored(),
                Evidence.pages(target, report.present()),
                report.quarantined(),
                before,
                Evidence.census(facts.pid()),
                report.timing(),
                Stream.concat(report.notes().stream(), heirs.failures().stream())
                        .toList());
    }

    private DetachProof incomplete(String note) {
        return new DetachProof(
                Outcome.INCOMPLETE,
                journal.undo().sites().size(),
                0,
                0,
                List.of(),
                List.of(),
                before,
                NOTHING,
                new Timing(0, 0, 0),
                List.of(note + "; the journal stays, detach again"));
    }

    private DetachProof gone(String note) {
        Heirs.Report heirs = Heirs.restore(journal.undo(), steps);
        List<String> notes = new ArrayList<>(List.of(note));
        notes.addAll(heirs.failures());
        if (heirs.failures().isEmpty()) {
            journal.delete();
        }
        return new DetachProof(
                heirs.failures().isEmpty() ? Outcome.TARGET_GONE : Outcome.INCOMPLETE,
                journal.undo().sites().size(),
                0,
                heirs.restored(),
                List.of(),
                List.of(),
                before,
                NOTHING,
                new Timing(0, 0, 0),
                notes);
    }
}
