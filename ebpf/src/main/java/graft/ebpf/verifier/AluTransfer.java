package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;

/** Arithmetic, moves and byte swaps. */
final class AluTransfer {
    static final Transfer<Insn.Alu> ARITHMETIC = AluTransfer::arithmetic;
    static final Transfer<Insn.Neg> NEGATION = AluTransfer::negation;
    static final Transfer<Insn.MoveSigned> SIGNED_MOVE = AluTransfer::signedMove;
    static final Transfer<Insn.Swap> BYTE_SWAP = AluTransfer::byteSwap;

    private static final String NOT_FOR_POINTERS =
            "which takes part in no arithmetic but adding and subtracting 64-bit numbers";

    private AluTransfer() {}

    private static void arithmetic(Insn.Alu insn, Step step) {
        if (insn.op() == AluOp.MOV) {
            move(insn, step);
            return;
        }
        requireSaneImmediate(insn);
        Value left = step.read(insn.dst());
        Value right = step.read(insn.src());
        if (Arenas.isAddress(left) || Arenas.isAddress(right)) {
            Arenas.arithmetic(insn, step);
            return;
        }
        Arenas.requireNever(step, Arenas.Use.ARITHMETIC);
        if (left instanceof Scalar a && right instanceof Scalar b) {
            step.write(insn.dst(), computed(insn, step, a, b));
            return;
        }
        step.write(insn.dst(), pointerArithmetic(insn, step, left, right));
    }

    /** The result; a constant added to a number keeps it linked to its copies. */
    private static Scalar computed(Insn.Alu insn, Step step, Scalar left, Scalar right) {
        Scalar result = ScalarMath.apply(insn.op(), insn.width(), left, right)
                .withOrigin(Origin.of(left.origin(), right.origin()));
        boolean linkable = insn.op() == AluOp.ADD
                && insn.width() == Width.W64
                && left.id() != Scalar.NO_ID
                && left.delta() == 0
                && insn.src() instanceof Operand.Imm
                && !result.isConstant();
        return linkable ? result.withId(left.id(), (int) right.constant()) : result.withId(Scalar.NO_ID);
    }

    private static void move(Insn.Alu insn, Step step) {
        Value value = insn.src() instanceof Operand.Src(var reg) ? step.linked(reg) : step.read(insn.src());
        if (insn.width() == Width.W64) {
            step.write(insn.dst(), value);
            return;
        }
        switch (value) {
            case Scalar scalar -> {
                Scalar low = scalar.zeroExtended();
                step.write(insn.dst(), low == scalar ? scalar : low.withId(Scalar.NO_ID));
            }
            case Pointer _, Value.Nothing _, Value.Resident _ -> {
                if (step.walk.setting().isForTarget() && !Arenas.isAddress(value)) {
                    throw new Refused(Finding.of(
                            Cause.POINTER_LEAK,
                            insn.dst(),
                            "the low half of a pointer cannot be moved on its own",
                            "move it as a 64-bit value"));
                }
                step.write(insn.dst(), Memory.unknown(4));
            }
        }
    }

    private static void requireSaneImmediate(Insn.Alu insn) {
        if (!(insn.src() instanceof Operand.Imm(var value))) {
            return;
        }
        int bits = insn.width() == Width.W64 ? 64 : 32;
        boolean valid = switch (insn.op()) {
            case DIV, SDIV, MOD, SMOD -> value != 0;
            case LSH, RSH, ARSH -> value >= 0 && value < bits;
            case ADD, SUB, MUL, OR, AND, XOR, MOV -> true;
        };
        if (!valid) {
            throw new Refused(Finding.of(
                    Cause.BAD_INSTRUCTION,
                    insn.dst(),
                    "%s by the constant %d has no result".formatted(insn.op(), value),
                    "recompile the object"));
        }
    }

    private static Value pointerArithmetic(Insn.Alu insn, Step step, Value left, Value right) {
        boolean sum = insn.op() == AluOp.ADD;
        if (insn.op() == AluOp.SUB && !step.walk.setting().isForTarget() && isMeaningless(insn, left, right)) {
            return insn.width() == Width.W64 ? Scalar.UNKNOWN : Memory.unknown(4);
        }
        if (insn.width() == Width.W32 || !sum && insn.op() != AluOp.SUB) {
            throw pointerRefused(insn, "a pointer takes part in " + insn.op() + " at " + insn.width());
        }
        if (left instanceof Pointer a && right instanceof Pointer b) {
            if (sum || !a.region().equals(b.region()) || a.mayBeNull() || b.mayBeNull()) {
                throw pointerRefused(insn, "two pointers are combined");
            }
            return Scalar.UNKNOWN;
        }
        if (left instanceof Pointer pointer && right instanceof Scalar distance) {
            return moved(insn, step, insn.dst(), pointer, distance);
        }
        if (sum && left instanceof Scalar distance && right instanceof Pointer pointer) {
            Reg source = insn.src() instanceof Operand.Src(var reg) ? reg : insn.dst();
            return moved(insn, step, source, pointer, distance);
        }
        throw pointerRefused(insn, "a pointer is subtracted from a number");
    }

    /** Differences of pointers, and of their low halves, are numbers. */
    private static boolean isMeaningless(Insn.Alu insn, Value left, Value right) {
        return insn.width() == Width.W32 || left instanceof Pointer && right instanceof Pointer;
    }

    private static Value moved(Insn.Alu insn, Step step, Reg reg, Pointer pointer, Scalar distance) {
        step.require(new Obligation.NotNull(reg, pointer, step.walk.describe(pointer.nullId()), step.slot));
        distance.mustBePrecise();
        boolean fixed = switch (pointer.region()) {
            case Value.Region.MapObject _,
                    Value.Region.Function _,
                    Value.Region.PacketEnd _,
                    Value.Region.Socket _,
                    Value.Region.PerCpu _,
                    Value.Region.StackObject _ -> true;
            case Value.Region.Context _,
                    Value.Region.Arena _,
                    Value.Region.Stack _,
                    Value.Region.MapValue _,
                    Value.Region.Record _,
                    Value.Region.Memory _,
                    Value.Region.Packet _,
                    Value.Region.Kernel _ -> false;
        };
        boolean stack = pointer.region() instanceof Value.Region.Stack && insn.op() == AluOp.SUB;
        boolean keys = pointer.region() instanceof Value.Region.Memory memory
                && memory.name().equals(ContextMemory.FLOW_KEYS_NAME)
                && !distance.isConstant();
        if (stack || keys) {
            throw pointerRefused(insn, pointer.region().noun() + " is moved in a way it cannot be");
        }
        if (fixed && !distance.is(0)) {
            throw pointerRefused(insn, pointer.region().noun() + " is moved");
        }
        if (insn.dst() == Reg.R10) {
            step.require(new Obligation.NotFramePointer(Reg.R10));
        }
        step.require(new Obligation.SaneDistance(insn.src() instanceof Operand.Src(var src) ? src : reg, distance));
        if (pointer.region() instanceof Value.Region.Packet packet && !distance.isConstant()) {
            return PacketRules.moved(step, pointer, packet, insn.op(), distance);
        }
        Scalar offset = ScalarMath.apply(insn.op(), Width.W64, pointer.offset(), distance);
        step.require(new Obligation.SaneDistance(reg, offset));
        return pointer.moved(offset);
    }

    private static Refused pointerRefused(Insn.Alu insn, String why) {
        return new Refused(Finding.of(
                Cause.POINTER_ARITHMETIC,
                insn.dst(),
                why,
                "only add numbers to pointers, or subtract them, as 64-bit values"));
    }

    private static void negation(Insn.Neg insn, Step step) {
        Scalar operand = number(step, insn.dst());
        step.write(insn.dst(), ScalarMath.negated(insn.width(), operand).withOrigin(operand.origin()));
    }

    /** A number; of pointers the kernel makes one that nothing is known about, for a loader with all rights. */
    private static Scalar number(Step step, Reg reg) {
        Value value = step.read(reg);
        if (value instanceof Pointer && (!step.walk.setting().isForTarget() || Arenas.isAddress(value))) {
            return Scalar.UNKNOWN;
        }
        return step.number(reg, Cause.POINTER_LEAK, NOT_FOR_POINTERS);
    }

    private static void signedMove(Insn.MoveSigned insn, Step step) {
        Scalar source = number(step, insn.src());
        Scalar extended = source.signExtended(insn.bits());
        boolean unchanged = extended == source && insn.width() == Width.W64;
        Scalar result = insn.width() == Width.W64 ? extended : extended.zeroExtended();
        step.write(insn.dst(), unchanged ? step.linked(insn.src()) : result.withId(Scalar.NO_ID));
    }

    private static void byteSwap(Insn.Swap insn, Step step) {
        Scalar source = number(step, insn.dst());
        boolean keepsOrder = insn.order() == ByteOrder.TO_LE;
        Scalar result = keepsOrder ? source.truncated(insn.bits() / 8) : swapped(source, insn.bits());
        step.write(insn.dst(), result.withId(Scalar.NO_ID).withOrigin(source.origin()));
    }

    private static Scalar swapped(Scalar source, int bits) {
        int shift = 64 - bits;
        Tnum known = source.bits();
        Tnum result = new Tnum(Long.reverseBytes(known.value() << shift), Long.reverseBytes(known.mask() << shift));
        return Scalar.of(result, Range.FULL64, Range.FULL32);
    }
}
