package graft.ebpf.jit.pass;

import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import java.util.function.Predicate;

/** All passes in their order. */
public final class Passes {
    private static final Rewriting REWRITING = new Rewriting(
            new Copies(),
            new ShiftPairs(),
            new Extensions(),
            new Rotates(),
            new Addresses(),
            new Sums(),
            new BitTests(),
            new Lookups());

    private static final Pass DEAD_CODE = new DeadCode();
    private static final Pass STRAIGHTENING = new Straightening();

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
        REWRITING.run(flow, binding);
        DEAD_CODE.run(flow);
        STRAIGHTENING.run(flow);
        if (registers == Registers.MORE) {
            int vars = flow.vars();
            new StackSlots().run(flow);
            if (flow.vars() != vars) {
                REWRITING.run(flow, binding);
                STRAIGHTENING.run(flow);
                DEAD_CODE.run(flow);
            }
            branches(flow, binding);
        }
        if (flow.blocks().size() > 1) {
            Order order = Order.of(flow);
            if (registers == Registers.MORE) {
                new Bases(order).run(flow);
            }
            new BlockOrder(order).run(flow);
        }
    }

    private static void branches(Flow flow, TargetBinding binding) {
        boolean lookups = some(flow, Op.ArrayLookup.class::isInstance);
        boolean choices = false;
        if (flow.blocks().size() > 1) {
            repeated(flow);
            new Choices().run(flow);
            choices = some(flow, Op.Select.class::isInstance);
        }
        if (choices) {
            STRAIGHTENING.run(flow);
        }
        if (lookups) {
            new NullChecks(binding).run(flow);
        }
        if (lookups || choices) {
            REWRITING.run(flow, binding);
            DEAD_CODE.run(flow);
        }
        if (choices) {
            new ChosenNumbers().run(flow);
        }
    }

    private static void repeated(Flow flow) {
        int blocks = flow.blocks().size();
        new RepeatedBranches().run(flow);
        if (flow.blocks().size() != blocks) {
            STRAIGHTENING.run(flow);
            DEAD_CODE.run(flow);
        }
    }

    private static boolean some(Flow flow, Predicate<Op> property) {
        for (Block block : flow.blocks()) {
            for (Op op : block.ops()) {
                if (property.test(op)) {
                    return true;
                }
            }
        }
        return false;
    }
}
