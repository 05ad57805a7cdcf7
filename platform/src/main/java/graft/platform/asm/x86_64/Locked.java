package graft.platform.asm.x86_64;

/** Atomic read-modify-write operations on memory with a register operand. XCHG locks by itself. */
public enum Locked {
    ADD(0x01),
    OR(0x09),
    AND(0x21),
    SUB(0x29),
    XOR(0x31),
    XADD(0x0fc1),
    CMPXCHG(0x0fb1),
    XCHG(0x87);

    private final int opcode;

    Locked(int opcode) {
        this.opcode = opcode;
    }

    int opcode() {
        return opcode;
    }
}
