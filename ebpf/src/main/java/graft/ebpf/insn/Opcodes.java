package graft.ebpf.insn;

/** The bits of an opcode byte (RFC 9669 §3). Those of an operation are with the operation: {@link AluOp} and its like. */
final class Opcodes {
    static final int SLOT_BYTES = 8;

    static final int CLASS_MASK = 0x07;
    static final int LD = 0x00;
    static final int LDX = 0x01;
    static final int ST = 0x02;
    static final int STX = 0x03;
    static final int ALU = 0x04;
    static final int JMP = 0x05;
    static final int JMP32 = 0x06;
    static final int ALU64 = 0x07;

    static final int SOURCE_REGISTER = 0x08;
    static final int CODE_MASK = 0xf0;

    static final int CODE_NEG = 0x80;
    static final int CODE_MOV = 0xb0;
    static final int CODE_END = 0xd0;

    static final int CODE_JA = 0x00;
    static final int CODE_CALL = 0x80;
    static final int CODE_EXIT = 0x90;
    static final int CODE_JCOND = 0xe0;

    static final int CALL_HELPER = 0;
    static final int CALL_LOCAL = 1;
    static final int CALL_KERNEL_FUNCTION = 2;

    /** The immediate of the call that stands for an instruction whose relocation failed; no helper has this number. */
    static final int POISON_HELPER = 0xbad2310;

    static final int MODE_MASK = 0xe0;
    static final int MODE_IMM = 0x00;
    static final int MODE_ABS = 0x20;
    static final int MODE_IND = 0x40;
    static final int MODE_MEM = 0x60;
    static final int MODE_MEMSX = 0x80;
    static final int MODE_ATOMIC = 0xc0;

    static final int LDDW = LD | MODE_IMM | 0x18;

    static final int ATOMIC_FETCH = 0x01;
    static final int ATOMIC_LOAD_ACQUIRE = 0x100;
    static final int ATOMIC_STORE_RELEASE = 0x110;

    /** The offset of a move that is a cast. */
    static final int ADDRESS_CAST = 1;

    private Opcodes() {}
}
