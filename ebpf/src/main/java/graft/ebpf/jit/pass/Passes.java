package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.TargetBinding;
import java.util.List;

/** All passes in their order. */
public final class Passes {
    private static final List<Pass> ALL = List.of(
            new Rewriting(new Copies(), new ShiftPairs(), new Extensions(), new Rotates(), new Addresses()),
            new DeadCode());

    private Passes() {}

    /** Improves {@code flow}, which will run in the target of {@code binding}, in place. */
    public static void run(Flow flow, TargetBinding binding) {
        ALL.forEach(pass -> pass.run(flow));
    }
}
