package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/** Which variables cannot share a register, which would like to, and how much each is used. */
final class Interference {
    private static final int MAX_DEPTH = 5;

    /** What loops carry from round to round is placed first, so that what it is copied from can take the same place. */
    private static final int CARRIED = 8;

    private final VarSet[] conflicts;
    private final long[] weights;
    private final List<List<Var>> partners;
    private final Var[] vars;
    private final VarSet acrossCalls;
    private final VarSet acrossDivisions;
    private final VarSet acrossShifts;
    private final VarSet defined;
    private final Set<MachineFeature> features;
    private boolean needsThirdScratch;

    private long weightHere;

    /** One for all operations, as there are many. */
    private final Consumer<Var> use = var -> used(var, weightHere);

    Interference(Function.Graph graph) {
        Flow flow = graph.flow();
        this.features = graph.features();
        this.acrossCalls = new VarSet(flow.vars());
        this.acrossDivisions = new VarSet(flow.vars());
        this.acrossShifts = new VarSet(flow.vars());
        this.defined = new VarSet(flow.vars());
        this.conflicts = new VarSet[flow.vars()];
        this.weights = new long[flow.vars()];
        this.vars = new Var[flow.vars()];
        this.partners = new ArrayList<>(Collections.nCopies(flow.vars(), List.of()));
        Liveness liveness = graph.liveness();
        Order order = graph.order();
        for (Block block : order.blocks()) {
            VarSet live = liveness.after(block);
            weightHere = 1L << 3 * Math.min(order.depth(block), MAX_DEPTH);
            List<Op> ops = block.ops();
            for (int at = ops.size() - 1; at >= 0; at--) {
                note(ops.get(at), live);
                Liveness.step(ops.get(at), live);
            }
        }
        VarSet atEntry = liveness.before(flow.entry());
        for (int number = atEntry.next(0); number >= 0; number = atEntry.next(number + 1)) {
            addConflicts(number, atEntry);
        }
    }

    private void note(Op op, VarSet after) {
        Op.uses(op, use);
        if (op instanceof Op.Binary binary) {
            define(binary.dst(), op, after);
            binary(binary, after);
        } else if (op instanceof Op.Move move) {
            define(move.dst(), op, after);
            partner(move.dst(), move.src());
        } else {
            noteRare(op, after);
        }
    }

    private void noteRare(Op op, VarSet after) {
        if (op.def().isPresent()) {
            define(op.def().get(), op, after);
        }
        switch (op) {
            case Op.Call _ -> acrossCalls.addAll(across(op, after));
            case Op.Unary unary -> partner(unary.dst(), unary.src());
            case Op.Rotate rotate -> partner(rotate.dst(), rotate.src());
            case Op.Select select -> {
                partner(select.dst(), select.no());
                partner(select.dst(), select.yes());
            }
            case Op.Atomic atomic -> {
                needsThirdScratch |= atomic.old().isPresent() && isLoop(atomic.op());
                atomic.old().ifPresent(old -> partner(old, atomic.operand()));
            }
            // The key is compared, and the row added, after the result's register was written.
            case Op.HashLookup lookup -> {
                conflict(lookup.dst(), lookup.key());
                lookup.row().ifPresent(row -> conflict(lookup.dst(), row));
            }
            default -> {} // no wishes
        }
    }

    private void define(Var var, Op op, VarSet after) {
        used(var, defined.contains(var.number()) ? weightHere * CARRIED : weightHere);
        defined.add(var.number());
        addConflicts(var, op, after);
    }

    private void conflict(Var one, Var other) {
        conflictsOf(one.number()).add(other.number());
        conflictsOf(other.number()).add(one.number());
    }

    private VarSet conflictsOf(int number) {
        if (conflicts[number] == null) {
            conflicts[number] = new VarSet(conflicts.length);
        }
        return conflicts[number];
    }

    private static VarSet across(Op op, VarSet after) {
        VarSet across = after.copy();
        if (op.def().isPresent()) {
            across.remove(op.def().get().number());
        }
        return across;
    }

    /** The machine has no such instruction that also fetches. */
    private static boolean isLoop(AtomicOp op) {
        return op == AtomicOp.AND || op == AtomicOp.OR || op == AtomicOp.XOR;
    }

    private void binary(Op.Binary op, VarSet after) {
        partner(op.dst(), op.left());
        if (op.op() == AluOp.ADD || op.op() == AluOp.MUL) {
            partner(op.dst(), op.right());
        }
        switch (op.op()) {
            case DIV, MOD, SDIV, SMOD -> {
                acrossDivisions.addAll(across(op, after));
                needsThirdScratch = true;
            }
            case LSH, RSH, ARSH -> {
                if (op.right() instanceof Var && !features.contains(MachineFeature.BMI2)) {
                    acrossShifts.addAll(across(op, after));
                }
            }
            case ADD, SUB, MUL, OR, AND, XOR, MOV -> {}
        }
    }

    private void used(Var var, long weight) {
        vars[var.number()] = var;
        weights[var.number()] += weight;
    }

    private void partner(Var var, Value other) {
        if (other instanceof Var second) {
            partnersOf(var).add(second);
            partnersOf(second).add(var);
        }
    }

    private List<Var> partnersOf(Var var) {
        if (partners.get(var.number()).isEmpty()) {
            partners.set(var.number(), new ArrayList<>(2));
        }
        return partners.get(var.number());
    }

    /** What a variable is copied from has the same value and no need for another place. */
    private void addConflicts(Var var, Op op, VarSet after) {
        if (op instanceof Op.Move(Var _, Var src) && after.contains(src.number())) {
            after.remove(src.number());
            addConflicts(var.number(), after);
            after.add(src.number());
        } else {
            addConflicts(var.number(), after);
        }
    }

    private void addConflicts(int number, VarSet others) {
        VarSet own = conflictsOf(number);
        own.addAll(others);
        own.remove(number);
        for (int other = others.next(0); other >= 0; other = others.next(other + 1)) {
            if (other != number) {
                conflictsOf(other).add(number);
            }
        }
    }

    /** All variables, those first that are used most; of two that are used alike, the one with the smaller number. */
    List<Var> byWeight() {
        long[] keys = new long[vars.length];
        int used = 0;
        for (int number = 0; number < vars.length; number++) {
            if (vars[number] != null) {
                keys[used++] = Math.multiplyExact(weights[number], vars.length) + vars.length - 1 - number;
            }
        }
        Arrays.sort(keys, 0, used);
        List<Var> all = new ArrayList<>(used);
        while (used-- > 0) {
            all.add(vars[vars.length - 1 - (int) (keys[used] % vars.length)]);
        }
        return all;
    }

    VarSet conflicts(Var var) {
        return conflictsOf(var.number());
    }

    List<Var> partners(Var var) {
        return partners.get(var.number());
    }

    boolean livesAcrossCall(Var var) {
        return acrossCalls.contains(var.number());
    }

    boolean livesAcrossDivision(Var var) {
        return acrossDivisions.contains(var.number());
    }

    boolean livesAcrossShift(Var var) {
        return acrossShifts.contains(var.number());
    }

    /** Whether some operation needs r9 besides r10 and r11. */
    boolean needsThirdScratch() {
        return needsThirdScratch;
    }
}
