package graft.attach;

import graft.attach.UndoRecord.Kind;
import graft.platform.linux.Kcmp;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.Execution;
import graft.platform.proc.ProcessStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The processes that a target forked while it was probed, and theirs: they got its memory, with text that is patched and
 * probes that the kernel has switched off. They are found by what they have mapped, whoever is their parent now.
 */
final class Heirs {
    /** A process that forks while it is looked for has heirs again. */
    private static final int ROUNDS = 20;

    private final UndoRecord undo;
    private final StepListener steps;
    private final Set<Integer> tried = new HashSet<>();
    private final List<String> failures = new ArrayList<>();
    private int restored;

    private Heirs(UndoRecord undo, StepListener steps) {
        this.undo = undo;
        this.steps = steps;
    }

    /**
     * What was reached.
     *
     * @param restored processes whose memory is their own again
     * @param failures one sentence for each that is not
     */
    record Report(int restored, List<String> failures) {}

    /** Restores all of them. The target itself gets no new ones: it is restored, or has ended. */
    static Report restore(UndoRecord undo, StepListener steps) {
        Heirs heirs = new Heirs(undo, steps);
        for (int round = 0; round < ROUNDS; round++) {
            List<Integer> found = heirs.find();
            if (found.isEmpty()) {
                break;
            }
            found.forEach(heirs::restore);
        }
        return new Report(heirs.restored, List.copyOf(heirs.failures));
    }

    /** Their process ids. */
    static List<Integer> of(UndoRecord undo) {
        return new Heirs(undo, StepListener.NONE).find();
    }

    private List<Integer> find() {
        return ProcessHandle.allProcesses()
                .map(process -> (int) process.pid())
                .filter(pid -> pid != undo.pid() && !tried.contains(pid) && isHeir(pid))
                .toList();
    }

    private boolean isHeir(int pid) {
        return hasPools(pid) && !sharesMemoryWithParent(pid);
    }

    /** Whether {@code pid} is the target, one of its heirs, or a process that shares the memory of one. */
    static boolean isFamily(UndoRecord undo, int pid) {
        return new Heirs(undo, StepListener.NONE).hasPools(pid);
    }

    /** The pools are the target's own: the same maps may be at the same addresses in another target of a session. */
    private boolean hasPools(int pid) {
        boolean related = Execution.find(pid).filter(undo.execution()::equals).isPresent();
        if (!related) {
            return false;
        }
        try {
            ProcMaps maps = ProcMaps.read(pid);
            return undo.ranges().stream()
                    .filter(range -> range.kind() == Kind.POOL)
                    .anyMatch(range -> maps.at(range.address())
                            .filter(mapping -> mapping.inode() == range.inode())
                            .isPresent());
        } catch (TraceeGoneException ended) {
            return false;
        }
    }

    /** As after vfork(2): what is done to the parent is done to it. */
    private static boolean sharesMemoryWithParent(int pid) {
        return ProcessStatus.find(pid)
                .filter(status -> status.parent() > 0 && Kcmp.mayShareMemory(pid, status.parent()))
                .isPresent();
    }

    private void restore(int pid) {
        tried.add(pid);
        switch (TargetInspection.inspect(pid)) {
            case TargetInspection.Refused(var refusal) -> fail(pid, refusal.reason());
            case TargetInspection.Attachable(var facts) -> restore(facts);
        }
    }

    private void restore(TargetFacts facts) {
        int pid = facts.pid();
        try (ProcMem memory = ProcMem.open(pid)) {
            Turn.await(pid, memory);
            Target target = new Target(pid, memory, step -> steps.before("heir:" + step));
            UndoRecord inherited = undo.inheritedBy(pid, facts.startTime());
            Undo.Report report = Undo.perform(target, inherited, Attacher.options(facts));
            if (report.restored() == undo.sites().size() && report.quarantined().isEmpty()) {
                restored++;
            } else {
                fail(pid, report.notes() + " " + report.quarantined());
            }
        } catch (TraceeGoneException ended) {
            // nothing is left to restore
        } catch (DeadlineException | SysException failed) {
            fail(pid, failed.getMessage());
        }
    }

    /** Of one that ends meanwhile, nothing is left to restore. */
    private void fail(int pid, String reason) {
        if (Ending.comesSoon(pid)) {
            return;
        }
        failures.add("process " + pid + ", which it forked while it was probed, is not as it was: " + reason);
    }
}
