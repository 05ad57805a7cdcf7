package graft.platform.elf;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The DWARF expressions that tables for unwinding contain: the few forms that compilers, linkers and libraries write. */
final class FrameExpression {
    private static final int DEREF = 0x06;
    private static final int AND = 0x1a;
    private static final int PLUS = 0x22;
    private static final int PLUS_UCONST = 0x23;
    private static final int SHL = 0x24;
    private static final int GE = 0x2a;
    private static final int LIT0 = 0x30;
    private static final int LIT31 = 0x4f;
    private static final int BREG0 = 0x70;
    private static final int BREG31 = 0x8f;
    private static final int BREG_PC = BREG0 + 16;

    private static final int PLT_PARTS = 8;

    private FrameExpression() {}

    /** One operation and its operand, 0 without. */
    private record Op(int code, long operand) {
        boolean isRegister() {
            return code >= BREG0 && code <= BREG31;
        }

        int register() {
            return code - BREG0;
        }

        boolean isLiteral(int number) {
            return code == LIT0 + number;
        }
    }

    /** {@code register + offset}. */
    record Sum(int register, int offset) {}

    /** A canonical frame address: {@link FrameRule.Kind#LOADED} or {@link FrameRule.Kind#PLT}, with nothing saved. */
    static Optional<FrameRule> frameAddress(DwarfCursor cursor, long end) {
        List<Op> ops = read(cursor, end);
        if (ops.isEmpty() || !ops.getFirst().isRegister()) {
            return Optional.empty();
        }
        Op base = ops.getFirst();
        if (isPlt(ops)) {
            int threshold = ops.get(4).code() - LIT0;
            return rule(FrameRule.Kind.PLT, base, threshold);
        }
        if (ops.size() == 2 && ops.get(1).code() == DEREF) {
            return rule(FrameRule.Kind.LOADED, base, 0);
        }
        boolean adds =
                ops.size() == 3 && ops.get(1).code() == DEREF && ops.get(2).code() == PLUS_UCONST;
        return adds ? rule(FrameRule.Kind.LOADED, base, ops.get(2).operand()) : Optional.empty();
    }

    private static Optional<FrameRule> rule(FrameRule.Kind kind, Op base, long added) {
        return isInt(base.operand()) && isInt(added)
                ? Optional.of(new FrameRule(
                        kind, base.register(), (int) base.operand(), (int) added, FrameRule.Saved.UNCHANGED, 0))
                : Optional.empty();
    }

    /** What linkers say of {@code .plt}: rsp + 8 + (((rip & 15) >= threshold) << 3). */
    private static boolean isPlt(List<Op> ops) {
        return ops.size() == PLT_PARTS
                && ops.get(0).equals(new Op(BREG0 + FrameRule.RSP, 8))
                && ops.get(1).equals(new Op(BREG_PC, 0))
                && ops.get(2).isLiteral(15)
                && ops.get(3).code() == AND
                && ops.get(4).code() >= LIT0
                && ops.get(4).code() < LIT0 + 16
                && ops.get(5).code() == GE
                && ops.get(6).isLiteral(3)
                && ops.get(7).code() == SHL;
    }

    /** The address at which a register is saved. */
    static Optional<Sum> address(DwarfCursor cursor, long end) {
        List<Op> ops = read(cursor, end);
        return ops.size() == 1
                        && ops.getFirst().isRegister()
                        && isInt(ops.getFirst().operand())
                ? Optional.of(
                        new Sum(ops.getFirst().register(), (int) ops.getFirst().operand()))
                : Optional.empty();
    }

    private static boolean isInt(long number) {
        return number == (int) number;
    }

    /** The operations, none when there is one that these forms do not have. A last addition of two parts is left out. */
    private static List<Op> read(DwarfCursor cursor, long end) {
        List<Op> ops = new ArrayList<>();
        while (cursor.address() < end) {
            int code = cursor.u8();
            if (code >= BREG0 && code <= BREG31) {
                ops.add(new Op(code, cursor.sleb()));
            } else if (code == PLUS_UCONST) {
                ops.add(new Op(code, cursor.uleb()));
            } else if (code == DEREF || code == AND || code == GE || code == SHL || code >= LIT0 && code <= LIT31) {
                ops.add(new Op(code, 0));
            } else if (code != PLUS || ops.size() != PLT_PARTS || cursor.address() != end) {
                return List.of();
            }
        }
        return ops;
    }
}
