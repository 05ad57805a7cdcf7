package graft.platform.asm.x86_64;

import graft.platform.address.RemoteAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;

/** One decoded instruction: its bytes, where its parts are, and what it refers to. Immutable. */
public final class X64Insn implements Decoding {
    private final RemoteAddress address;
    private final long shape;
    private final byte[] bytes;

    X64Insn(RemoteAddress address, long shape, byte[] code, int offset) {
        this.address = address;
        this.shape = shape;
        this.bytes = Arrays.copyOfRange(code, offset, offset + InsnShape.length(shape));
    }

    /** Where the instruction is. */
    public RemoteAddress address() {
        return address;
    }

    /** The address of the next instruction in memory. */
    public RemoteAddress end() {
        return address.plus(bytes.length);
    }

    public int length() {
        return bytes.length;
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    /** The packed shape, for {@link InsnShape}. */
    public long shape() {
        return shape;
    }

    public InsnKind kind() {
        return InsnShape.kind(shape);
    }

    /** The opcode's last byte. */
    public int opcode() {
        return InsnShape.opcode(shape);
    }

    /** Whether the opcode is in the one-byte map. */
    public boolean isOneByteOpcode() {
        return InsnShape.map(shape) == OpcodeTable.ONE_BYTE;
    }

    /** Whether the opcode is in the {@code 0F} map. */
    public boolean isTwoByteOpcode() {
        return InsnShape.map(shape) == OpcodeTable.TWO_BYTE;
    }

    public boolean isRipRelative() {
        return InsnShape.isRipRelative(shape);
    }

    /** Whether a {@code 67} prefix makes addresses 32 bits wide. */
    public boolean hasAddressSizePrefix() {
        return (InsnShape.prefixes(shape) & InsnShape.ADDRESS_SIZE) != 0;
    }

    /** Whether a {@code 66} prefix is present. */
    public boolean hasOperandSizePrefix() {
        return (InsnShape.prefixes(shape) & InsnShape.OPERAND_SIZE) != 0;
    }

    /** Whether an {@code fs} or {@code gs} prefix is present. */
    public boolean hasSegmentPrefix() {
        return (InsnShape.prefixes(shape) & InsnShape.SEGMENT) != 0;
    }

    /** The ModRM byte, when the instruction has one. */
    public Optional<Integer> modrm() {
        int at = InsnShape.modrmOffset(shape);
        return at == 0 ? Optional.empty() : Optional.of(bytes[at] & 0xff);
    }

    /** REX.B as bit 3, to be added to ModRM.rm or to a register in the opcode. */
    public int rexB() {
        return (InsnShape.rex(shape) & 1) << 3;
    }

    /** Whether REX.W makes the operands 64 bits wide. */
    public boolean isWide() {
        return (InsnShape.rex(shape) & 8) != 0;
    }

    /** The register in ModRM.reg, with REX.R; a part of the opcode in some instructions. */
    public OptionalInt registerField() {
        return modrm().stream()
                .mapToInt(modrm -> modrm >> 3 & 7 | (InsnShape.rex(shape) & 4) << 1)
                .findAny();
    }

    /** The register in ModRM.rm, with REX.B, when that is not a memory operand. */
    public OptionalInt directRegister() {
        return modrm().stream()
                .filter(modrm -> modrm >> 6 == 3)
                .mapToInt(modrm -> modrm & 7 | rexB())
                .findAny();
    }

    /** Whether there is a memory operand. */
    public boolean hasMemoryOperand() {
        return modrm().filter(modrm -> modrm >> 6 != 3).isPresent();
    }

    /** The base register of the memory operand; none for rip-relative and absolute ones. */
    public OptionalInt baseRegister() {
        if (!hasMemoryOperand() || isRipRelative()) {
            return OptionalInt.empty();
        }
        int at = InsnShape.modrmOffset(shape);
        boolean sib = (bytes[at] & 7) == 4;
        int base = bytes[sib ? at + 1 : at] & 7;
        boolean none = base == 5 && (bytes[at] & 0xc0) == 0;
        return none ? OptionalInt.empty() : OptionalInt.of(base | rexB());
    }

    /** Offset of the displacement of the memory operand; 0 when there is none. */
    public int dispOffset() {
        return InsnShape.dispOffset(shape);
    }

    /** Offset of the immediate or of the branch displacement; 0 when there is none. */
    public int immOffset() {
        return InsnShape.immOffset(shape);
    }

    public int immSize() {
        return InsnShape.immSize(shape);
    }

    /** Where a relative branch goes. */
    public Optional<RemoteAddress> branchTarget() {
        if (!kind().isRelativeBranch()) {
            return Optional.empty();
        }
        long displacement = immSize() == 1 ? bytes[immOffset()] : int32(immOffset());
        return Optional.of(end().plus(displacement));
    }

    /** What a rip-relative operand refers to. */
    public Optional<RemoteAddress> ripTarget() {
        return isRipRelative() ? Optional.of(end().plus(int32(dispOffset()))) : Optional.empty();
    }

    private int int32(int at) {
        return bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8 | (bytes[at + 2] & 0xff) << 16 | bytes[at + 3] << 24;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof X64Insn insn && address.equals(insn.address) && Arrays.equals(bytes, insn.bytes);
    }

    @Override
    public int hashCode() {
        return address.hashCode() * 31 + Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return address + ": " + HexFormat.ofDelimiter(" ").formatHex(bytes) + " " + kind();
    }
}
