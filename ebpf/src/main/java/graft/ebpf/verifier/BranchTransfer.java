package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Conditional jumps: which ways are possible, and what each teaches. */
final class BranchTransfer {
    static final Transfer<Insn.Branch> BRANCH = BranchTransfer::branch;

    private BranchTransfer() {}

    private static void branch(Insn.Branch insn, Step step) {
        Value left = step.read(insn.dst());
        Value right = step.read(insn.src());
        if (left instanceof Scalar a && right instanceof Scalar b) {
            numbers(insn, step, a, b);
        } else {
            pointers(insn, step, left, right);
        }
    }

    private static void numbers(Insn.Branch insn, Step step, Scalar left, Scalar right) {
        switch (Comparison.outcome(insn.op(), insn.width(), left, right)) {
            case ALWAYS -> take(insn, step);
            case NEVER -> step.walk.notes().fallen(step.slot);
            case EITHER -> {
                both(insn, step, taken -> learn(taken, insn, Comparison.taken(insn.op(), insn.width(), left, right)));
                learn(step.state, insn, Comparison.fallen(insn.op(), insn.width(), left, right));
            }
        }
    }

    private static void take(Insn.Branch insn, Step step) {
        step.walk.notes().taken(step.slot);
        step.goTo(step.next() + insn.distance());
    }

    private static void both(Insn.Branch insn, Step step, Consumer<AbstractState> onTaken) {
        step.walk.visit(step.slot);
        step.walk.notes().taken(step.slot);
        step.walk.notes().fallen(step.slot);
        onTaken.accept(step.fork(step.next() + insn.distance()));
    }

    private static void learn(AbstractState state, Insn.Branch insn, Comparison.Refined refined) {
        refine(state, insn.dst(), refined.left());
        if (insn.src() instanceof Operand.Src(var reg) && reg != insn.dst()) {
            refine(state, reg, refined.right());
        }
    }

    /** Gives a register's new bounds to every copy of its number. */
    private static void refine(AbstractState state, Reg reg, Scalar refined) {
        if (state.get(reg) == refined) {
            return;
        }
        state.set(reg, refined);
        int id = refined.id();
        if (id != Scalar.NO_ID) {
            state.replaceValues(value -> value instanceof Scalar scalar && scalar.id() == id ? refined : value);
        }
    }

    private static void pointers(Insn.Branch insn, Step step, Value left, Value right) {
        boolean equality = insn.op() == JumpOp.JEQ || insn.op() == JumpOp.JNE;
        if (!equality || insn.width() == Width.W32) {
            throw refused(insn, "a pointer is compared with " + insn.op() + " at " + insn.width());
        }
        if (left instanceof Pointer && right instanceof Pointer) {
            both(insn, step, BranchTransfer::learnNothing);
            return;
        }
        Pointer pointer = (Pointer) (left instanceof Pointer ? left : right);
        Scalar number = (Scalar) (left instanceof Scalar ? left : right);
        if (!number.is(0)) {
            throw refused(insn, "a pointer is compared with a number other than 0");
        }
        nullCheck(insn, step, pointer);
    }

    private static void nullCheck(Insn.Branch insn, Step step, Pointer pointer) {
        boolean jumpsWhenNull = insn.op() == JumpOp.JEQ;
        if (!pointer.mayBeNull()) {
            if (jumpsWhenNull) {
                step.walk.notes().fallen(step.slot);
            } else {
                take(insn, step);
            }
            return;
        }
        both(insn, step, taken -> settle(taken, pointer, jumpsWhenNull ? Settled.NULL : Settled.NOT_NULL));
        settle(step.state, pointer, jumpsWhenNull ? Settled.NOT_NULL : Settled.NULL);
    }

    private static void learnNothing(AbstractState state) {
        // Which of two pointers is equal says nothing that the walk uses.
    }

    /** The result of a null check. */
    private enum Settled {
        NULL,
        NOT_NULL
    }

    private static void settle(AbstractState state, Pointer checked, Settled result) {
        UnaryOperator<Value> change = value -> value instanceof Pointer pointer && pointer.nullId() == checked.nullId()
                ? result == Settled.NULL ? Scalar.ZERO : pointer.checked()
                : value;
        state.replaceValues(change);
        if (result == Settled.NULL && checked.region() instanceof Value.Region.Record record) {
            state.release(record.reference());
        }
    }

    private static Refused refused(Insn.Branch insn, String why) {
        return new Refused(Finding.of(
                Cause.POINTER_COMPARISON,
                insn.dst(),
                why,
                "compare pointers only with == and != to each other or to null"));
    }
}
