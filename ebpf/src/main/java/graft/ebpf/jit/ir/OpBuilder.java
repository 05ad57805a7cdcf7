package graft.ebpf.jit.ir;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Single instructions as operations on the variables of eBPF registers. */
final class OpBuilder {
    static final int REGISTERS = 10;

    private static final Var[] UNSPLIT = IntStream.range(0, REGISTERS)
            .mapToObj(number -> new Var(Var.FIRST_FREE + number, number))
            .toArray(Var[]::new);

    private int vars = Var.FIRST_FREE + REGISTERS;

    /** The variable that stands for an eBPF register until its live ranges are told apart. */
    static Var register(int number) {
        return UNSPLIT[number];
    }

    static Var register(Reg reg) {
        return register(reg.number());
    }

    Var newVar() {
        return new Var(vars++, Var.NO_HOME);
    }

    int vars() {
        return vars;
    }

    /** What a register holds where any value will do. */
    Value operand(Reg reg, List<Op> out) {
        return reg == Reg.R10 ? new Value.FrameAddress(0) : register(reg);
    }

    /** What a register holds where it must be a variable. */
    Var variable(Reg reg, List<Op> out) {
        if (reg != Reg.R10) {
            return register(reg);
        }
        Var frame = newVar();
        out.add(new Op.Move(frame, new Value.FrameAddress(0)));
        return frame;
    }

    private Value variable(Operand operand, List<Op> out) {
        return switch (operand) {
            case Operand.Imm(int value) -> new Value.Constant(value);
            case Operand.Src(Reg reg) -> variable(reg, out);
        };
    }

    Condition condition(Insn.Branch branch, List<Op> out) {
        Value right = variable(branch.src(), out);
        return new Condition(branch.op(), branch.width(), variable(branch.dst(), out), right);
    }

    void alu(Insn.Alu insn, List<Op> out) {
        Var dst = register(insn.dst());
        switch (insn.op()) {
            case MOV -> mov(insn, dst, out);
            case LSH, RSH, ARSH -> shift(insn, dst, out);
            case ADD, SUB, MUL, OR, AND, XOR, DIV, MOD, SDIV, SMOD ->
                out.add(new Op.Binary(insn.op(), insn.width(), dst, dst, variable(insn.src(), out)));
        }
    }

    private void mov(Insn.Alu insn, Var dst, List<Op> out) {
        boolean wide = insn.width() == Width.W64;
        switch (insn.src()) {
            case Operand.Imm(int value) ->
                out.add(new Op.Move(dst, new Value.Constant(wide ? value : value & 0xffff_ffffL)));
            case Operand.Src(Reg reg) when wide -> out.add(new Op.Move(dst, operand(reg, out)));
            case Operand.Src(Reg reg) -> out.add(new Op.Unary(UnaryOp.ZERO_EXTEND_32, dst, variable(reg, out)));
        }
    }

    private void shift(Insn.Alu insn, Var dst, List<Op> out) {
        switch (insn.src()) {
            case Operand.Src(Reg reg) -> out.add(new Op.Binary(insn.op(), insn.width(), dst, dst, variable(reg, out)));
            case Operand.Imm(int value) -> {
                int count = value & (insn.width() == Width.W64 ? 63 : 31);
                if (count != 0) {
                    out.add(new Op.Binary(insn.op(), insn.width(), dst, dst, new Value.Constant(count)));
                } else if (insn.width() == Width.W32) {
                    out.add(new Op.Unary(UnaryOp.ZERO_EXTEND_32, dst, dst));
                }
            }
        }
    }

    void neg(Insn.Neg insn, List<Op> out) {
        Var dst = register(insn.dst());
        out.add(new Op.Unary(insn.width() == Width.W64 ? UnaryOp.NEG_64 : UnaryOp.NEG_32, dst, dst));
    }

    void moveSigned(Insn.MoveSigned insn, List<Op> out) {
        boolean wide = insn.width() == Width.W64;
        UnaryOp op = switch (insn.bits()) {
            case 8 -> wide ? UnaryOp.SIGN_EXTEND_8 : UnaryOp.SIGN_EXTEND_8_TO_32;
            case 16 -> wide ? UnaryOp.SIGN_EXTEND_16 : UnaryOp.SIGN_EXTEND_16_TO_32;
            default -> UnaryOp.SIGN_EXTEND_32;
        };
        out.add(new Op.Unary(op, register(insn.dst()), variable(insn.src(), out)));
    }

    void swap(Insn.Swap insn, List<Op> out) {
        Var dst = register(insn.dst());
        boolean reverse = insn.order() != ByteOrder.TO_LE;
        switch (insn.bits()) {
            case 16 -> out.add(new Op.Unary(reverse ? UnaryOp.SWAP_16 : UnaryOp.ZERO_EXTEND_16, dst, dst));
            case 32 -> out.add(new Op.Unary(reverse ? UnaryOp.SWAP_32 : UnaryOp.ZERO_EXTEND_32, dst, dst));
            default -> {
                if (reverse) {
                    out.add(new Op.Unary(UnaryOp.SWAP_64, dst, dst));
                }
            }
        }
    }

    void wide(Insn.LoadWide insn, List<Op> out) {
        Value value = insn.value() instanceof Wide.Constant(long constant)
                ? new Value.Constant(constant)
                : new Value.Symbol(insn.value());
        out.add(new Op.Move(register(insn.dst()), value));
    }

    void load(Insn.Load insn, List<Op> out) {
        load(insn, Place.at(operand(insn.base(), out), insn.offset()), out);
    }

    static void load(Insn.Load insn, Place place, List<Op> out) {
        out.add(new Op.Load(insn.size(), insn.extension(), register(insn.dst()), place));
    }

    void store(Insn.Store insn, List<Op> out) {
        store(insn, Place.at(operand(insn.base(), out), insn.offset()), out);
    }

    void store(Insn.Store insn, Place place, List<Op> out) {
        out.add(new Op.Store(insn.size(), place, variable(insn.value(), out)));
    }

    void atomic(Insn.Atomic insn, List<Op> out) {
        atomic(insn, Place.at(operand(insn.base(), out), insn.offset()), out);
    }

    void atomic(Insn.Atomic insn, Place place, List<Op> out) {
        Var operand = variable(insn.src(), out);
        if (insn.op() == AtomicOp.CMPXCHG) {
            out.add(new Op.Move(Var.fixed(0), register(0)));
            out.add(new Op.Atomic(insn.op(), insn.size(), place, operand, Optional.of(Var.fixed(0))));
            out.add(new Op.Move(register(0), Var.fixed(0)));
            return;
        }
        boolean plain = insn.fetch() == Fetch.NONE && insn.op() != AtomicOp.XCHG;
        Optional<Var> old = plain ? Optional.empty() : Optional.of(register(insn.src()));
        out.add(new Op.Atomic(insn.op(), insn.size(), place, operand, old));
    }

    /** What was in memory goes where the number was loaded to before, and the result is computed from it. */
    void change(OwnValueChanges.Change change, List<Op> out) {
        Insn.Alu alu = change.operation();
        Var dst = register(alu.dst());
        OwnValueChanges.Source source = change.source();
        boolean backwards = change.loaded() != alu.dst();
        Var by = backwards ? dst : added(alu, out);
        AluOp op = alu.op() == AluOp.SUB ? AluOp.ADD : alu.op();
        Var old = newVar();
        Place place = Place.at(register(source.base()), source.offset());
        out.add(new Op.Atomic(atomic(op), source.size(), place, by, Optional.of(old)));
        out.add(new Op.Binary(op, alu.width(), dst, old, by));
        change.others().forEach(other -> out.add(new Op.Move(register(other), old)));
    }

    /** The operand as a variable; of a subtraction, what is added in place of it. */
    private Var added(Insn.Alu alu, List<Op> out) {
        boolean minus = alu.op() == AluOp.SUB;
        return switch (alu.src()) {
            case Operand.Imm(int value) -> {
                Var constant = newVar();
                out.add(new Op.Move(constant, new Value.Constant(minus ? -(long) value : value)));
                yield constant;
            }
            case Operand.Src(Reg reg)
            when minus -> {
                Var negative = newVar();
                out.add(new Op.Unary(UnaryOp.NEG_64, negative, variable(reg, out)));
                yield negative;
            }
            case Operand.Src(Reg reg) -> variable(reg, out);
        };
    }

    private static AtomicOp atomic(AluOp op) {
        return switch (op) {
            case ADD -> AtomicOp.ADD;
            case OR -> AtomicOp.OR;
            case AND -> AtomicOp.AND;
            case XOR -> AtomicOp.XOR;
            case SUB, MUL, DIV, MOD, SDIV, SMOD, LSH, RSH, ARSH, MOV -> throw new AssertionError("not atomic: " + op);
        };
    }
}
