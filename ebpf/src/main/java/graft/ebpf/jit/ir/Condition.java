package graft.ebpf.jit.ir;

import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** A comparison, as conditional jumps make it; {@code right} is a variable or an immediate. */
public record Condition(JumpOp op, Width width, Var left, Value right) {
    /** The comparison that holds when this one does not, if there is one. */
    public Optional<Condition> opposite() {
        JumpOp other = switch (op) {
            case JEQ -> JumpOp.JNE;
            case JNE -> JumpOp.JEQ;
            case JGT -> JumpOp.JLE;
            case JLE -> JumpOp.JGT;
            case JGE -> JumpOp.JLT;
            case JLT -> JumpOp.JGE;
            case JSGT -> JumpOp.JSLE;
            case JSLE -> JumpOp.JSGT;
            case JSGE -> JumpOp.JSLT;
            case JSLT -> JumpOp.JSGE;
            case JSET -> JumpOp.JSET;
        };
        return op == JumpOp.JSET ? Optional.empty() : Optional.of(new Condition(other, width, left, right));
    }

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
