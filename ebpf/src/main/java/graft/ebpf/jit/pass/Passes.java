package graft.ebpf.jit.pass;

import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Flow;
import java.util.List;

/** All passes in their order. */
public final class Passes {
    private Passes() {}

    /** How many registers passes may ask for. */
    public enum Registers {
        /** Variables of their own, for what is worth keeping. */
        MORE,
        /** Only those that the program's own variables need. */
        SAME
    }

    /** Improves {@code flow}, which will run in the target of {@code binding}, in place. */
    public static void run(Flow flow, TargetBinding binding, Registers registers) {
        Rewriting rewriting = new Rewriting(
                new Copies(),
                new ShiftPairs(),
                new Extensions(),
                new Rotates(),
                new Addresses(),
                new Sums(),
                new BitTests(),
                new Lookups(binding));
        List<Pass> first = List.of(rewriting, new DeadCode());
        List<Pass> second = List.of(
                new StackSlots(),
                rewriting,
                new Straightening(),
                new DeadCode(),
                new Choices(),
                new Straightening(),
                new NullChecks(binding),
                rewriting,
                new DeadCode(),
                new Bases());
        first.forEach(pass -> pass.run(flow));
        if (registers == Registers.MORE) {
            second.forEach(pass -> pass.run(flow));
        } else {
            new Straightening().run(flow);
        }
        new BlockOrder().run(flow);
    }
}
