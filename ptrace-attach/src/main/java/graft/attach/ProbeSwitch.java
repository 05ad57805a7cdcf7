package graft.attach;

import graft.attach.UndoRecord.Site;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.TracerConstants;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.rewriter.PatchPlan;
import graft.rewriter.PatchSite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Takes the jumps of an injection out of the text and puts them back, while code, memory and journal stay. The journal says how
 * to undo both, so nothing is written to it: an undo looks at what is there. Not to be used by two threads at once.
 */
final class ProbeSwitch {
    private static final byte[] INACTIVE = new byte[Integer.BYTES];
    private static final long DEADLINE_NANOS = 250_000_000;
    private static final int ATTEMPTS = 5;

    /** Spans that are not as expected are tried site by site. */
    private static final int STOPS = 2;

    /** A process that forks while it is looked for has children again. */
    private static final int ROUNDS = 20;

    private final Injection injection;
    private final UndoRecord undo;
    private final long options;
    private final StepListener steps;

    ProbeSwitch(Injection injection, UndoRecord undo, long options, StepListener steps) {
        this.injection = injection;
        this.undo = undo;
        this.options = options;
        this.steps = steps;
    }

    /** Programs stop at once, then the text becomes the original one in one stop, but for the guards. */
    Switching off() {
        return inEach("off", this::off);
    }

    /** The opposite of {@link #off}; refused when something else is at a place meanwhile. */
    Switching on() {
        return inEach("on", this::on);
    }

    /** In the target and, where probes run in forked processes, in those: a process forked meanwhile is like its parent. */
    private Switching inEach(String name, Function<Target, Switching> act) {
        Switching result = in(undo.pid(), name, act);
        if (injection.pools().stream().anyMatch(Arming::isFollowed)) {
            Set<Integer> tried = new HashSet<>();
            for (int round = 0; round < ROUNDS && result instanceof Switching.Switched; round++) {
                List<Integer> found = Heirs.of(undo).stream().filter(tried::add).toList();
                if (found.isEmpty()) {
                    break;
                }
                for (int child : found) {
                    if (in(child, name, act) instanceof Switching.Refused refused) {
                        result = refused;
                    }
                }
            }
        }
        return result;
    }

    private Switching in(int pid, String name, Function<Target, Switching> act) {
        try (ProcMem memory = ProcMem.open(pid)) {
            Turn.await(pid, memory);
            return act.apply(new Target(pid, memory, step -> steps.before(name + ":" + step)));
        } catch (TraceeGoneException gone) {
            return new Switching.Gone();
        } catch (DeadlineException late) {
            return new Switching.Refused(new Refusal(Refusal.Kind.DEADLINE, late.getMessage(), "again"));
        } catch (SysException failed) {
            return Ending.comesSoon(pid)
                    ? new Switching.Gone()
                    : new Switching.Refused(
                            new Refusal(Refusal.Kind.SYSTEM_CALL, failed.getMessage(), "graft doctor -p " + pid));
        }
    }

    private Switching off(Target target) {
        for (Injection.Pool pool : injection.pools()) {
            target.steps().before("probes-disabled");
            target.memory()
                    .writeBytes(
                            Arming.runtime(pool).plus(PoolConstants.CONFIG_OFFSET + ConfigLayout.FOLLOWED), INACTIVE);
            target.memory().writeBytes(Arming.runtime(pool), INACTIVE);
        }
        Timing timing = new Timing(0, 0, 0);
        List<Site> going = LoadedText.of(target, undo).sites().stream()
                .filter(site -> !injection.plan().guards().contains(site.address()))
                .toList();
        List<TextSpan> pending = TextSpan.of(target, going);
        for (int stop = 0; stop < STOPS && !pending.isEmpty(); stop++) {
            Restored restored = restore(target, pending);
            timing = restored.timing();
            if (!restored.text().foreign().isEmpty()) {
                return new Switching.Refused(foreign(restored.text().foreign().getFirst()));
            }
            pending = restored.text().left();
        }
        return new Switching.Switched(timing);
    }

    private static Refusal foreign(TextSpan span) {
        return new Refusal(
                Refusal.Kind.TEXT_DIFFERS,
                "the bytes at " + span.address() + " are neither the original ones nor ours",
                "end what else patches the process");
    }

    private record Restored(TextRestoring.Report text, Timing timing) {}

    /** A missed deadline is tried again on a fresh tracer thread. */
    private Restored restore(Target target, List<TextSpan> spans) {
        for (int attempt = 1; ; attempt++) {
            try {
                return TracerThread.call("off-" + target.pid(), () -> restoreInOneStop(target, spans));
            } catch (DeadlineException late) {
                if (attempt == ATTEMPTS) {
                    throw late;
                }
            }
        }
    }

    private Restored restoreInOneStop(Target target, List<TextSpan> spans) {
        try (Urgency urgency = new Urgency();
                Tracees tracees = new Tracees(target.pid(), options)) {
            TextRestoring text = new TextRestoring(spans);
            Operations operations = new Operations(target, tracees, text.operations() + 2);
            operations.addStep("threads-stopped", TracerConstants.OP_STOP_ALL);
            operations.lookAtFrames(Stacks.of(
                    ProcMaps.read(target.pid()).mappings(), operations.arena(), Stacks.buffer(operations.arena())));
            text.prepare(operations);
            operations.addStep("threads-resumed", TracerConstants.OP_DETACH_ALL);
            urgency.begin(target.pid(), target.pid());
            tracees.seizeNew();
            operations.performAll(System.nanoTime() + DEADLINE_NANOS);
            Timing timing = new Timing(0, operations.heldNanos(), tracees.all().size());
            return new Restored(text.report(operations), timing);
        }
    }

    private Switching on(Target target) {
        Arming arming = new Arming(target, injection, missing(target), options);
        return switch (arming.run("on-" + target.pid())) {
            case Arming.Outcome.Done(var held, var threads) -> new Switching.Switched(new Timing(0, held, threads));
            case Arming.Outcome.Refused(var refusal) -> new Switching.Refused(refusal);
        };
    }

    /** What is still loaded and does not have our bytes: all of it, unless an earlier switch was interrupted. */
    private PatchPlan missing(Target target) {
        Set<Object> loaded = LoadedText.of(target, undo).sites().stream()
                .filter(site -> !has(target, site, site.newBytes().bytes()))
                .map(Site::address)
                .collect(Collectors.toSet());
        List<PatchSite> sites = injection.plan().sites().stream()
                .filter(site -> loaded.contains(site.address()))
                .toList();
        return new PatchPlan(sites, injection.plan().code());
    }

    /**
     * What an undo has to restore after {@link #off}: a place that somebody else has patched since is none of ours.
     *
     * @return empty when the target cannot be looked at
     */
    Optional<UndoRecord> undoWhileOff() {
        List<Site> ours = new ArrayList<>();
        try (ProcMem memory = ProcMem.open(undo.pid())) {
            Target target = new Target(undo.pid(), memory, StepListener.NONE);
            for (Site site : undo.sites()) {
                if (has(target, site, site.oldBytes().bytes())
                        || has(target, site, site.newBytes().bytes())) {
                    ours.add(site);
                }
            }
            return Optional.of(undo.with(ours));
        } catch (TraceeGoneException | SysException gone) {
            return Optional.empty();
        }
    }

    private static boolean has(Target target, Site site, byte[] bytes) {
        return Arrays.equals(target.memory().readBytes(site.address(), bytes.length), bytes);
    }
}
