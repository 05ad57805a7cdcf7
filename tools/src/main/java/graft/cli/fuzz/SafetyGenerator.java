package graft.cli.fuzz;

import graft.cli.fuzz.Belief.Kind;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;

/**
 * Programs as people write them, most of them safe, some by a hair and some not: what decides is what a verifier learns
 * from masks, comparisons, null checks, copies, spills, loops and calls.
 */
final class SafetyGenerator {
    /** A branch to the end of its function, until the end has a place. */
    static final short TO_END = Short.MAX_VALUE;

    private static final int MAX_DEPTH = 2;

    /** No slot. */
    private static final int NONE = -1;

    private final Choice choose;
    private final int functions;

    /** The slot of its caller in which the first function finds an index or a key. */
    private final int handed;

    private Belief belief;
    private SafetyStatements statements;

    private SafetyGenerator(long seed) {
        this.choose = new Choice(seed);
        this.functions = choose.oneIn(2) ? 0 : 1 + choose.below(2);
        this.handed = choose.oneIn(2) ? choose.below(Belief.SLOTS) : NONE;
    }

    /** The program of a seed. */
    static InsnList program(long seed) {
        return new SafetyGenerator(seed).generate();
    }

    private InsnList generate() {
        List<List<Insn>> bodies = new ArrayList<>();
        for (int index = 0; index <= functions; index++) {
            bodies.add(function(index));
        }
        int[] starts = new int[bodies.size()];
        for (int index = 1; index < starts.length; index++) {
            starts[index] = starts[index - 1] + Statements.slots(bodies.get(index - 1));
        }
        List<Insn> insns = new ArrayList<>();
        int slot = 0;
        for (List<Insn> body : bodies) {
            for (Insn insn : body) {
                insns.add(
                        insn instanceof Insn.CallLocal(int function)
                                ? new Insn.CallLocal(starts[function] - slot - 1)
                                : insn);
                slot += insn.slots();
            }
        }
        return InsnList.of(insns);
    }

    private List<Insn> function(int index) {
        belief = Belief.empty();
        statements = new SafetyStatements(choose, belief);
        List<Insn> insns = new ArrayList<>();
        if (index == 0) {
            belief.set(Reg.R1, Kind.CONTEXT);
            insns.addAll(statements.copy(Reg.R6, Reg.R1));
            choose.freeze(Reg.R6);
        } else {
            belief.set(Reg.R1, Kind.NUMBER);
            belief.set(Reg.R2, Kind.FRAME);
            insns.addAll(statements.copy(Reg.R6, Reg.R1));
            if (index == 1 && handed != NONE) {
                insns.addAll(late().fromCaller(handed));
            }
        }
        insns.addAll(index == 0 && choose.oneIn(4) ? brief() : several(1 + length(index), 0, index));
        choose.thaw(Reg.R6);
        insns.add(statements.move(Reg.R0, new Operand.Imm(choose.below(3))));
        insns.add(new Insn.Exit());
        return ended(insns);
    }

    private int length(int function) {
        return function == 0 ? 3 + choose.below(12) : 1 + choose.below(4);
    }

    /** Little else than one late use, which is not hidden by other faults. */
    private List<Insn> brief() {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        insns.addAll(late().any());
        if (functions > 0) {
            insns.addAll(call(1));
        }
        return insns;
    }

    /** Gives branches to the end the distance to the last two instructions. */
    private static List<Insn> ended(List<Insn> insns) {
        int end = Statements.slots(insns) - 2;
        List<Insn> result = new ArrayList<>();
        int slot = 0;
        for (Insn insn : insns) {
            slot += insn.slots();
            boolean toEnd = insn instanceof Insn.Branch branch && branch.distance() == TO_END;
            result.add(toEnd ? at((Insn.Branch) insn, end - slot) : insn);
        }
        return result;
    }

    private static Insn at(Insn.Branch branch, int distance) {
        return new Insn.Branch(branch.op(), branch.width(), branch.dst(), branch.src(), (short) distance);
    }

    private List<Insn> several(int count, int depth, int function) {
        List<Insn> insns = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            insns.addAll(piece(depth, function));
        }
        return insns;
    }

    private List<Insn> piece(int depth, int function) {
        boolean nests = depth < MAX_DEPTH;
        return switch (choose.below(12)) {
            case 0, 1 -> nests ? ways(depth + 1, function) : statements.any();
            case 2 -> depth == 0 ? loop(depth + 1, function) : statements.any();
            case 3 -> function < functions && choose.oneIn(2) ? call(function + 1) : statements.any();
            case 4 -> choose.oneIn(2) ? statements.oneOfTwo() : late().any();
            default -> statements.any();
        };
    }

    /** Two ways that meet again, one of which may be empty. */
    private List<Insn> ways(int depth, int function) {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        Insn.Branch test = statements.test();
        Belief before = belief.copy();
        List<Insn> one = several(1 + choose.below(3), depth, function);
        if (choose.oneIn(2)) {
            insns.add(at(test, Statements.slots(one)));
            insns.addAll(one);
            belief.meet(before);
            return insns;
        }
        Belief afterOne = belief.copy();
        use(before);
        List<Insn> other = several(1 + choose.below(3), depth, function);
        belief.meet(afterOne);
        insns.add(at(test, Statements.slots(one) + 1));
        insns.addAll(one);
        insns.add(new Insn.Jump(Statements.slots(other)));
        insns.addAll(other);
        return insns;
    }

    private LateUse late() {
        return new LateUse(choose, belief, statements);
    }

    private void use(Belief other) {
        belief = other;
        statements = new SafetyStatements(choose, other);
    }

    /** Counted up, down, or bounded by a budget. */
    private List<Insn> loop(int depth, int function) {
        Reg counter = Reg.of(7 + choose.below(3));
        if (choose.isFrozen(counter)) {
            return statements.any();
        }
        boolean budget = choose.oneIn(6);
        List<Insn> insns = new ArrayList<>();
        insns.add(statements.move(counter, new Operand.Imm(choose.below(3))));
        belief.set(counter, Kind.SMALL);
        choose.freeze(counter);
        Belief before = belief.copy();
        List<Insn> body = several(1 + choose.below(3), depth, function);
        choose.thaw(counter);
        belief.meet(before);
        body.add(new Insn.Alu(AluOp.ADD, Width.W64, counter, new Operand.Imm(1 + choose.below(2))));
        if (budget) {
            insns.add(new Insn.MayGoto((short) (Statements.slots(body) + 1)));
            insns.addAll(body);
            insns.add(new Insn.Jump(-(Statements.slots(body) + 2)));
            belief.set(counter, Kind.NUMBER);
        } else {
            insns.addAll(body);
            JumpOp again = choose.of(new JumpOp[] {JumpOp.JLT, JumpOp.JSLT, JumpOp.JLE});
            Operand rounds = new Operand.Imm(choose.oneIn(8) ? 20 : 2 + choose.below(5));
            int back = Statements.slots(body) + 1;
            insns.add(new Insn.Branch(again, choose.width(), counter, rounds, (short) -back));
        }
        return insns;
    }

    private List<Insn> call(int callee) {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        if (callee == 1 && handed != NONE) {
            insns.addAll(late().handed(handed));
            insns.addAll(statements.needNumber());
        }
        Reg number = statements.number();
        insns.add(statements.move(Reg.R1, new Operand.Src(number)));
        insns.add(statements.move(Reg.R2, new Operand.Src(Reg.R10)));
        insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R2, new Operand.Imm(-8 * Belief.SLOTS)));
        insns.add(new Insn.CallLocal(callee));
        belief.called(Kind.NUMBER);
        for (int slot = 0; slot < Belief.SLOTS; slot++) {
            belief.setSlot(slot, belief.slot(slot).isNumber() ? Kind.NUMBER : Kind.NOTHING);
        }
        return insns;
    }
}
