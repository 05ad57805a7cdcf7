package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.jit.ir.Condition;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;

/** Comparisons: what follows from them is a jump or a choice of values. */
final class BranchEmitter {
    /** How often {@code may_goto} continues in one run of a function. */
    static final int LOOP_BUDGET = 8 << 20;

    private static final Value ONE = new Value.Constant(1);
    private static final Value ZERO = new Value.Constant(0);

    private final Emission emission;
    private final X64Assembler asm;

    BranchEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    /** Sets the flags; the condition of the machine that then means {@code condition}. */
    Cond compare(Condition condition) {
        OpSize size = Emission.size(condition.width());
        Gpr left = emission.of(condition.left());
        boolean set = condition.op() == JumpOp.JSET;
        switch (condition.right()) {
            case Value.Constant(long value) when set -> asm.test(size, left, (int) value);
            case Value.Constant(long value) when value == 0 -> asm.test(size, left, left);
            case Value.Constant(long value) -> asm.op(Arith.CMP, size, left, (int) value);
            case Var var when set -> asm.test(size, left, emission.of(var));
            case Var var -> asm.op(Arith.CMP, size, left, emission.of(var));
            case Value.Symbol _, Value.FrameAddress _ ->
                throw new AssertionError("comparison with an address: " + condition);
        }
        return meaning(condition.op());
    }

    private static Cond meaning(JumpOp op) {
        return switch (op) {
            case JEQ -> Cond.E;
            case JNE, JSET -> Cond.NE;
            case JGT -> Cond.A;
            case JGE -> Cond.AE;
            case JLT -> Cond.B;
            case JLE -> Cond.BE;
            case JSGT -> Cond.G;
            case JSGE -> Cond.GE;
            case JSLT -> Cond.L;
            case JSLE -> Cond.LE;
        };
    }

    /** The same comparison the other way round, where one flag then tells what otherwise takes two. */
    private static Condition cheap(Condition condition) {
        if (condition.right() instanceof Var right) {
            return switch (condition.op()) {
                case JGT -> new Condition(JumpOp.JLT, condition.width(), right, condition.left());
                case JLE -> new Condition(JumpOp.JGE, condition.width(), right, condition.left());
                case JEQ, JNE, JSET, JGE, JLT, JSGT, JSGE, JSLT, JSLE -> condition;
            };
        }
        if (condition.right() instanceof Value.Constant(long value) && value >= 0 && value < Integer.MAX_VALUE) {
            return switch (condition.op()) {
                case JGT ->
                    new Condition(JumpOp.JGE, condition.width(), condition.left(), new Value.Constant(value + 1));
                case JLE ->
                    new Condition(JumpOp.JLT, condition.width(), condition.left(), new Value.Constant(value + 1));
                case JEQ, JNE, JSET, JGE, JLT, JSGT, JSGE, JSLT, JSLE -> condition;
            };
        }
        return condition;
    }

    private boolean isCompared(Gpr gpr, Condition condition) {
        return emission.of(condition.left()) == gpr
                || condition.right() instanceof Var right && emission.of(right) == gpr;
    }

    /** One of two values, without a jump. */
    void select(Op.Select original) {
        Op.Select op = new Op.Select(original.dst(), cheap(original.condition()), original.yes(), original.no());
        Gpr dst = emission.of(op.dst());
        if (op.yes().equals(ONE) && op.no().equals(ZERO)) {
            set(dst, op.condition(), Meaning.ITSELF);
            return;
        }
        if (op.yes().equals(ZERO) && op.no().equals(ONE)) {
            set(dst, op.condition(), Meaning.OPPOSITE);
            return;
        }
        if (op.yes() instanceof Var yes && emission.of(yes) == dst) {
            Gpr no = inRegister(op.no(), Registers.SECOND);
            asm.cmov(compare(op.condition()).negate(), OpSize.Q, dst, no);
            return;
        }
        Gpr yes = inRegister(op.yes(), Registers.SECOND);
        boolean inPlace = op.no() instanceof Var no && emission.of(no) == dst;
        Gpr result = inPlace || !isCompared(dst, op.condition()) ? dst : emission.use(Registers.SCRATCH);
        if (result == yes) {
            result = emission.use(Registers.SCRATCH);
        }
        emission.move(result, op.no());
        asm.cmov(compare(op.condition()), OpSize.Q, result, yes);
        emission.move(OpSize.Q, dst, result);
    }

    private Gpr inRegister(Value value, Gpr scratch) {
        if (value instanceof Var var) {
            return emission.of(var);
        }
        emission.move(emission.use(scratch), value);
        return scratch;
    }

    private enum Meaning {
        ITSELF,
        OPPOSITE
    }

    private void set(Gpr dst, Condition condition, Meaning meaning) {
        boolean compared = isCompared(dst, condition);
        Gpr result = compared ? emission.use(Registers.SCRATCH) : dst;
        if (!compared) {
            asm.op(Arith.XOR, OpSize.D, dst, dst);
        }
        Cond cond = compare(condition);
        asm.setcc(meaning == Meaning.ITSELF ? cond : cond.negate(), result);
        if (compared) {
            asm.movzx(OpSize.B, dst, result);
        }
    }

    /** Sets the loop budget at the function's entry. */
    void startBudget() {
        if (emission.frame().budget() != 0) {
            asm.mov(OpSize.D, budget(), LOOP_BUDGET);
        }
    }

    /** Takes one round off the budget; the condition that then means that none was left. */
    Cond useBudget() {
        asm.op(Arith.SUB, OpSize.D, budget(), 1);
        return Cond.S;
    }

    private Address budget() {
        return Address.at(Gpr.RSP, emission.frame().top() + emission.frame().budget());
    }
}
