package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
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
            case ALWAYS -> {
                left.mustBePrecise();
                right.mustBePrecise();
                take(insn, step);
            }
            case NEVER -> {
                left.mustBePrecise();
                right.mustBePrecise();
                step.walk.notes().fallen(step.slot);
            }
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
        refine(state, insn.dst(), refined.left().madeFrom(refined.right()));
        if (insn.src() instanceof Operand.Src(var reg) && reg != insn.dst()) {
            refine(state, reg, refined.right().madeFrom(refined.left()));
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
            state.replaceValues(
                    value -> value instanceof Scalar scalar && scalar.id() == id ? linked(scalar, refined) : value);
        }
    }

    /** The same number as {@code known} but for the distance between them. */
    private static Scalar linked(Scalar scalar, Scalar known) {
        if (scalar.delta() == known.delta()) {
            return known.madeFrom(scalar);
        }
        Scalar distance = Scalar.constant((long) scalar.delta() - known.delta());
        Scalar moved = ScalarMath.apply(AluOp.ADD, Width.W64, known, distance);
        return moved.withId(scalar.id(), scalar.delta())
                .withOrigin(known.origin())
                .madeFrom(scalar);
    }

    private static void pointers(Insn.Branch insn, Step step, Value left, Value right) {
        boolean equality = insn.op() == JumpOp.JEQ || insn.op() == JumpOp.JNE;
        if (left instanceof Pointer a && right instanceof Pointer b) {
            twoPointers(insn, step, a, b);
            return;
        }
        Pointer pointer = (Pointer) (left instanceof Pointer ? left : right);
        Scalar number = (Scalar) (left instanceof Scalar ? left : right);
        boolean literal = insn.src() instanceof Operand.Imm || !pointer.mayBeNull();
        if (equality && insn.width() == Width.W64 && number.is(0) && literal) {
            number.mustBePrecise();
            nullCheck(insn, step, pointer);
            return;
        }
        if (step.walk.setting().isForTarget() && !Arenas.isAddress(pointer)) {
            throw refused(insn, "a pointer is compared with " + insn.op() + " at " + insn.width());
        }
        both(insn, step, BranchTransfer::learnNothing);
    }

    private static void twoPointers(Insn.Branch insn, Step step, Pointer left, Pointer right) {
        boolean wide = insn.width() == Width.W64;
        if (wide && PacketRules.isBounded(left, right)) {
            both(insn, step, taken -> PacketRules.learn(taken, left, PacketRules.holds(insn.op())));
            PacketRules.learn(step.state, left, PacketRules.fails(insn.op()));
            return;
        }
        if (wide && PacketRules.isBounded(right, left)) {
            JumpOp mirrored = mirrored(insn.op());
            both(insn, step, taken -> PacketRules.learn(taken, right, PacketRules.holds(mirrored)));
            PacketRules.learn(step.state, right, PacketRules.fails(mirrored));
            return;
        }
        boolean equality = insn.op() == JumpOp.JEQ || insn.op() == JumpOp.JNE;
        boolean addresses = Arenas.isAddress(left) && Arenas.isAddress(right);
        if (step.walk.setting().isForTarget() && !(equality && wide) && !addresses) {
            throw refused(insn, "pointers are compared with " + insn.op() + " at " + insn.width());
        }
        if (wide && equality && left.mayBeNull() != right.mayBeNull() && canTellNull(left) && canTellNull(right)) {
            Pointer doubtful = left.mayBeNull() ? left : right;
            boolean equalWhenTaken = insn.op() == JumpOp.JEQ;
            both(insn, step, taken -> {
                if (equalWhenTaken) {
                    settle(taken, doubtful, Settled.NOT_NULL);
                }
            });
            if (!equalWhenTaken) {
                settle(step.state, doubtful, Settled.NOT_NULL);
            }
            return;
        }
        both(insn, step, BranchTransfer::learnNothing);
    }

    /** Kernel pointers may be null without saying so. */
    private static boolean canTellNull(Pointer pointer) {
        return !(pointer.region() instanceof Value.Region.Kernel);
    }

    private static JumpOp mirrored(JumpOp op) {
        return switch (op) {
            case JGT -> JumpOp.JLT;
            case JLT -> JumpOp.JGT;
            case JGE -> JumpOp.JLE;
            case JLE -> JumpOp.JGE;
            case JSGT -> JumpOp.JSLT;
            case JSLT -> JumpOp.JSGT;
            case JSGE -> JumpOp.JSLE;
            case JSLE -> JumpOp.JSGE;
            case JEQ, JNE, JSET -> op;
        };
    }

    private static void nullCheck(Insn.Branch insn, Step step, Pointer pointer) {
        boolean jumpsWhenNull = insn.op() == JumpOp.JEQ;
        if (!pointer.mayBeNull() && mayBeNullAnyway(pointer)) {
            both(insn, step, BranchTransfer::learnNothing);
            return;
        }
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

    private static boolean mayBeNullAnyway(Pointer pointer) {
        return pointer.region() instanceof Value.Region.Kernel kernel
                        && kernel.trust() != Value.Region.Kernel.Trust.TRUSTED
                || pointer.region() instanceof Value.Region.Packet
                || pointer.region() instanceof Value.Region.PacketEnd
                || pointer.region() instanceof Value.Region.Context
                || Arenas.isAddress(pointer);
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
        if (result == Settled.NULL) {
            state.release(checked.nullId());
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
