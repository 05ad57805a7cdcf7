package graft.ebpf.insn;

import static graft.ebpf.insn.Opcodes.*;

/** Decodes the two arithmetic classes. */
final class AluDecoder {
    private AluDecoder() {}

    static Insn decode(InsnDecoder.Fields f, Width width) {
        return switch (f.opcode() & CODE_MASK) {
            case CODE_NEG -> {
                f.exists(f.sourceBit() == 0);
                f.check(f.src() == 0 && f.off() == 0 && f.imm() == 0, "reserved field of negation is not zero");
                yield new Insn.Neg(width, f.dstReg());
            }
            case CODE_END -> swap(f, width);
            case CODE_MOV -> move(f, width);
            default -> binary(f, width);
        };
    }

    private static Insn swap(InsnDecoder.Fields f, Width width) {
        f.exists(width == Width.W32 || f.sourceBit() == 0);
        f.check(f.src() == 0 && f.off() == 0, "reserved field of a byte swap is not zero");
        f.check(f.imm() == 16 || f.imm() == 32 || f.imm() == 64, "byte swap of " + f.imm() + " bits");
        ByteOrder order = width == Width.W64 ? ByteOrder.SWAP : f.sourceBit() == 0 ? ByteOrder.TO_LE : ByteOrder.TO_BE;
        return new Insn.Swap(order, f.imm(), f.dstReg());
    }

    private static Insn move(InsnDecoder.Fields f, Width width) {
        if (f.off() == 0) {
            return new Insn.Alu(AluOp.MOV, width, f.dstReg(), f.operand());
        }
        f.check(f.sourceBit() != 0, "reserved offset is not zero");
        if (width == Width.W64 && f.off() == ADDRESS_CAST) {
            return cast(f);
        }
        boolean known = f.off() == 8 || f.off() == 16 || f.off() == 32 && width == Width.W64;
        f.check(known, "unknown kind of move: offset " + f.off());
        f.check(f.imm() == 0, "reserved immediate is not zero");
        return new Insn.MoveSigned(width, f.off(), f.dstReg(), f.srcReg());
    }

    private static Insn cast(InsnDecoder.Fields f) {
        for (AddressCast cast : AddressCast.values()) {
            if (cast.encoding() == f.imm()) {
                return new Insn.CastAddress(cast, f.dstReg(), f.srcReg());
            }
        }
        throw f.misused("addresses are cast from address space 1 to 0 or back");
    }

    private static Insn binary(InsnDecoder.Fields f, Width width) {
        int code = f.opcode() & CODE_MASK;
        AluOp plain = AluOp.of(code, 0).orElseThrow(f::unknown);
        AluOp op = f.off() == 0
                ? plain
                : AluOp.of(code, f.off()).orElseThrow(() -> f.misused("reserved offset is not zero"));
        return new Insn.Alu(op, width, f.dstReg(), f.operand());
    }
}
