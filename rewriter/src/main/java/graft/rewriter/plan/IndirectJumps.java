package graft.rewriter.plan;

import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the code before an indirect jump tells about where it goes. Compilers jump to a whole code pointer, or add an
 * entry of a table of 32-bit distances to the table's address (GCC and Clang, position-independent code).
 */
final class IndirectJumps {
    private static final int LOOK_BACK = 64;
    private static final int BOUND_LOOK_BACK = 24;
    private static final int RSP = 4;
    private static final int RBP = 5;
    private static final int RBX = 3;
    private static final int R12 = 12;

    /** Opcodes after 0F that write registers which their operands do not name, or parts of registers. */
    private static final Set<Integer> IMPLICIT_TWO_BYTE = IntStream.concat(
                    IntStream.rangeClosed(0x90, 0x9f), IntStream.of(0x01, 0xa2, 0xb0, 0xb1, 0xc0, 0xc7))
            .boxed()
            .collect(Collectors.toUnmodifiableSet());

    private final List<X64Insn> insns;
    private final Predicate<X64Insn> target;

    /** Where a jump goes. */
    sealed interface Destination {
        /**
         * Through a table of distances.
         *
         * @param bases the registers that may hold the table's address
         * @param entries number of entries, when the index is compared with a constant before
         */
        record Table(List<Integer> bases, OptionalInt entries) implements Destination {}

        /** To a code pointer as it was in memory or in code. */
        record Pointer() implements Destination {}

        /** Not understood. */
        record Unknown() implements Destination {}
    }

    /** What an instruction does with the register that is followed. */
    private enum Effect {
        NONE,
        POINTER,
        MOVE,
        ADD,
        OTHER
    }

    /**
     * @param insns a function's instructions
     * @param target whether an instruction may be jumped to
     */
    IndirectJumps(List<X64Insn> insns, Predicate<X64Insn> target) {
        this.insns = insns;
        this.target = target;
    }

    Destination of(int jump) {
        X64Insn insn = insns.get(jump);
        OptionalInt through = insn.directRegister();
        if (through.isEmpty()) {
            return readsStack(insn) ? new Destination.Unknown() : new Destination.Pointer();
        }
        int register = through.getAsInt();
        for (int i = jump - 1; i >= 0 && jump - i < LOOK_BACK; i--) {
            X64Insn before = insns.get(i);
            if (target.test(insns.get(i + 1)) || before.kind().endsFlow()) {
                return new Destination.Unknown();
            }
            switch (effect(before, register)) {
                case NONE -> {
                    // Looks further back.
                }
                case POINTER -> {
                    return new Destination.Pointer();
                }
                case MOVE -> register = source(before);
                case ADD -> {
                    return new Destination.Table(List.of(register, source(before)), bound(i));
                }
                case OTHER -> {
                    return new Destination.Unknown();
                }
            }
        }
        return new Destination.Unknown();
    }

    private static Effect effect(X64Insn insn, int register) {
        return switch (insn.kind()) {
            case NOP, ENDBR64, JCC_REL -> Effect.NONE;
            case CALL_REL, CALL_INDIRECT -> isKept(register) ? Effect.NONE : Effect.OTHER;
            case PLAIN -> plainEffect(insn, register);
            case JMP_REL,
                    LOOP_REL,
                    JRCXZ_REL,
                    XBEGIN_REL,
                    JMP_INDIRECT,
                    RET,
                    FAR,
                    SYSCALL,
                    TRAP,
                    INT3,
                    UNDEFINED,
                    HLT -> Effect.OTHER;
        };
    }

    private static boolean isKept(int register) {
        return register == RBX || register == RBP || register >= R12;
    }

    /** What is not known to leave the register alone counts as {@link Effect#OTHER}. */
    private static Effect plainEffect(X64Insn insn, int register) {
        if (insn.isTwoByteOpcode()) {
            boolean known = insn.modrm().isPresent() && !IMPLICIT_TWO_BYTE.contains(insn.opcode());
            return known && !mentions(insn, register) ? Effect.NONE : Effect.OTHER;
        }
        if (!insn.isOneByteOpcode()) {
            return Effect.OTHER;
        }
        return insn.modrm().isEmpty() ? withoutOperands(insn, register) : withOperands(insn, register);
    }

    private static Effect withOperands(X64Insn insn, int register) {
        int opcode = insn.opcode();
        int field = insn.registerField().orElseThrow();
        boolean written = insn.directRegister().equals(OptionalInt.of(register));
        return switch (opcode) {
            // cmp and test write nothing.
            case 0x38, 0x39, 0x3a, 0x3b, 0x84, 0x85 -> Effect.NONE;
            case 0x80 -> field % 8 == 7 ? Effect.NONE : Effect.OTHER;
            case 0x81, 0x83 -> field % 8 == 7 || !written ? Effect.NONE : Effect.OTHER;
            case 0x88, 0xc6 -> insn.hasMemoryOperand() ? Effect.NONE : Effect.OTHER;
            case 0xc7 -> written ? wide(insn, Effect.POINTER) : Effect.NONE;
            case 0x89 -> written ? wide(insn, Effect.MOVE) : Effect.NONE;
            case 0x01 -> written ? wide(insn, Effect.ADD) : Effect.NONE;
            case 0x8b -> field == register ? loaded(insn, Effect.POINTER, Effect.MOVE) : Effect.NONE;
            case 0x03 -> field == register ? loaded(insn, Effect.OTHER, Effect.ADD) : Effect.NONE;
            case 0x8d -> field == register ? loaded(insn, address(insn), Effect.OTHER) : Effect.NONE;
            case 0x09, 0x0b, 0x21, 0x23, 0x29, 0x2b, 0x31, 0x33, 0x63, 0x69, 0x6b, 0xc1, 0xd1 ->
                mentions(insn, register) ? Effect.OTHER : Effect.NONE;
            default -> Effect.OTHER;
        };
    }

    private static Effect address(X64Insn lea) {
        return lea.isRipRelative() ? Effect.POINTER : Effect.OTHER;
    }

    private static Effect loaded(X64Insn insn, Effect fromMemory, Effect fromRegister) {
        Effect memory = readsStack(insn) ? Effect.OTHER : fromMemory;
        return wide(insn, insn.hasMemoryOperand() ? memory : fromRegister);
    }

    /** Whether the memory operand may be a local variable, which may hold what the function computed. */
    private static boolean readsStack(X64Insn insn) {
        int base = insn.baseRegister().orElse(-1);
        return base == RSP || base == RBP;
    }

    private static Effect wide(X64Insn insn, Effect effect) {
        return insn.isWide() ? effect : Effect.OTHER;
    }

    /** {@code push} reads; {@code pop} and {@code mov $imm} name the register that they write. */
    private static Effect withoutOperands(X64Insn insn, int register) {
        int opcode = insn.opcode();
        boolean named = (opcode & 7 | insn.rexB()) == register;
        return switch (opcode & 0xf8) {
            case 0x50 -> Effect.NONE;
            case 0x58, 0xb8 -> named ? Effect.POINTER : Effect.NONE;
            default -> Effect.OTHER;
        };
    }

    private static boolean mentions(X64Insn insn, int register) {
        OptionalInt wanted = OptionalInt.of(register);
        return insn.registerField().equals(wanted) || insn.directRegister().equals(wanted);
    }

    /** The other register of a move or of an addition. */
    private static int source(X64Insn insn) {
        boolean storeForm = insn.opcode() == 0x89 || insn.opcode() == 0x01;
        OptionalInt other = storeForm ? insn.registerField() : insn.directRegister();
        return other.orElseThrow();
    }

    /** {@code cmp $n, index} and a jump on above before the table is read: n + 1 entries. */
    private OptionalInt bound(int from) {
        for (int i = from; i > 0 && from - i < BOUND_LOOK_BACK; i--) {
            X64Insn jump = insns.get(i);
            boolean above = jump.kind() == InsnKind.JCC_REL && (jump.opcode() & 0xf) == 7;
            if (above) {
                return comparedWith(insns.get(i - 1)).map(OptionalInt::of).orElse(OptionalInt.empty());
            }
        }
        return OptionalInt.empty();
    }

    private static Optional<Integer> comparedWith(X64Insn insn) {
        int opcode = insn.opcode();
        boolean accumulator = opcode == 0x3c || opcode == 0x3d;
        boolean group = (opcode == 0x80 || opcode == 0x81 || opcode == 0x83)
                && insn.modrm().filter(modrm -> (modrm >> 3 & 7) == 7).isPresent();
        if (!insn.isOneByteOpcode() || !accumulator && !group) {
            return Optional.empty();
        }
        byte[] bytes = insn.bytes();
        long value = 0;
        for (int i = insn.immSize() - 1; i >= 0; i--) {
            value = value << 8 | bytes[insn.immOffset() + i] & 0xff;
        }
        return value < 0x10000 ? Optional.of((int) value + 1) : Optional.empty();
    }
}
