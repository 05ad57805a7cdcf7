package graft.ebpf.insn;

/**
 * Bytes that are no valid instruction sequence, with the place and the reason. The only exception that
 * {@link InsnDecoder} throws for bad input.
 */
public final class InsnFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int slot;
    private final int opcode;
    private final String reason;
    private final Kind kind;

    /** What is wrong. */
    enum Kind {
        /** There is no such instruction. */
        UNKNOWN,
        /** The instruction exists, but a field has a value that it must not have. */
        MISUSED
    }

    InsnFormatException(int slot, int opcode, Kind kind, String reason) {
        super("instruction at slot %d (opcode 0x%02x): %s".formatted(slot, opcode, reason));
        this.slot = slot;
        this.opcode = opcode;
        this.reason = reason;
        this.kind = kind;
    }

    /** The slot of the offending instruction. */
    public int slot() {
        return slot;
    }

    /** Its first byte. */
    public int opcode() {
        return opcode;
    }

    Kind kind() {
        return kind;
    }

    /** What is wrong with it, without the place. */
    public String reason() {
        return reason;
    }
}
