package graft.ebpf.jit.pass;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is known at one point of a walk in reverse postorder: how variables were computed, as long as computing them again
 * would give the same. That ends when an operand is written again, or, if one is written in several places or may be
 * read before it is written, with the block.
 */
final class Known {
    private final int[] definitions;
    private final boolean[] narrow;
    private final Map<Var, Op.Pure> lasting = new HashMap<>();
    private final Map<Var, Op.Pure> local = new HashMap<>();

    Known(Flow flow) {
        this.definitions = new int[flow.vars()];
        this.narrow = new boolean[flow.vars()];
        List<Op> defining = new ArrayList<>();
        for (Block block : flow.blocks()) {
            for (Op op : block.ops()) {
                op.def().ifPresent(var -> {
                    definitions[var.number()]++;
                    narrow[var.number()] = true;
                    defining.add(op);
                });
            }
        }
        BitSet undefined = Liveness.of(flow).before(flow.entry());
        undefined.stream().forEach(number -> definitions[number]++);
        narrow(defining);
    }

    private void narrow(List<Op> defining) {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (Op op : defining) {
                int number = op.def().orElseThrow().number();
                if (narrow[number] && !UpperHalf.isZero(op, this)) {
                    narrow[number] = false;
                    changed = true;
                }
            }
        }
    }

    /** Whether the upper half of {@code var} is zero wherever it is read. */
    boolean isNarrow(Var var) {
        return !var.isFixed() && narrow[var.number()];
    }

    private boolean isSingle(Var var) {
        return !var.isFixed() && definitions[var.number()] == 1;
    }

    void enterBlock() {
        local.clear();
    }

    /** How {@code var} was computed, when that still holds. */
    Optional<Op.Pure> definition(Var var) {
        Op.Pure lastingOne = lasting.get(var);
        return lastingOne != null ? Optional.of(lastingOne) : Optional.ofNullable(local.get(var));
    }

    /** The number that {@code value} is, if known. */
    Optional<Long> constant(Value value) {
        return switch (value) {
            case Value.Constant(long number) -> Optional.of(number);
            case Var var
            when definition(var).orElse(null) instanceof Op.Move(Var _, Value.Constant(long number)) ->
                Optional.of(number);
            case Var _, Value.Symbol _, Value.FrameAddress _ -> Optional.empty();
        };
    }

    /** Takes note of what {@code op} computes. */
    void step(Op op) {
        op.def().ifPresent(var -> {
            if (!isSingle(var)) {
                local.remove(var);
                local.values().removeIf(other -> reads(other, var));
            }
        });
        if (op instanceof Op.Pure pure && !(op instanceof Op.Load) && !reads(pure, pure.dst())) {
            boolean[] stable = {isSingle(pure.dst())};
            pure.uses(var -> stable[0] &= isSingle(var));
            (stable[0] ? lasting : local).put(pure.dst(), pure);
        }
    }

    private static boolean reads(Op op, Var var) {
        boolean[] found = {false};
        op.uses(used -> found[0] |= used.equals(var));
        return found[0];
    }
}
