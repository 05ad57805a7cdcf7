package graft.ebpf.jit.ir;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** A comparison, as conditional jumps make it; {@code right} is a variable or an immediate. */
public record Condition(JumpOp op, Width width, Var left, Value right) {
    void uses(Consumer<Var> each) {
        each.accept(left);
        if (right instanceof Var var) {
            each.accept(var);
        }
    }

    Condition map(UnaryOperator<Var> uses) {
        return new Condition(op, width, uses.apply(left), right instanceof Var var ? uses.apply(var) : right);
    }
}
