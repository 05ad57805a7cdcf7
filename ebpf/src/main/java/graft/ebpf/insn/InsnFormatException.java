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

    InsnFormatException(int slot, int opcode, String reason) {
        super("instruction at slot %d (opcode 0x%02x): %s".formatted(slot, opcode, reason));
        this.slot = slot;
        this.opcode = opcode;
        this.reason = reason;
    }

    /** The slot of the offending instruction. */
    public int slot() {
        return slot;
    }

    /** Its first byte. */
    public int opcode() {
        return opcode;
    }

    /** What is wrong with it, without the place. */
    public String reason() {
        return reason;
    }
}
