package graft.ebpf.insn;

/** The bits of an opcode byte (RFC 9669 §3). */
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

    static final int CODE_DIV = 0x30;
    static final int CODE_NEG = 0x80;
    static final int CODE_MOD = 0x90;
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

    static final int SIZE_MASK = 0x18;
    static final int LDDW = LD | MODE_IMM | 0x18;

    static final int ATOMIC_FETCH = 0x01;
    static final int ATOMIC_LOAD_ACQUIRE = 0x100;
    static final int ATOMIC_STORE_RELEASE = 0x110;

    private Opcodes() {}

    static int size(MemSize size) {
        return switch (size) {
            case W -> 0x00;
            case H -> 0x08;
            case B -> 0x10;
            case DW -> 0x18;
        };
    }

    static MemSize size(int opcode) {
        return switch (opcode & SIZE_MASK) {
            case 0x00 -> MemSize.W;
            case 0x08 -> MemSize.H;
            case 0x10 -> MemSize.B;
            default -> MemSize.DW;
        };
    }

    static int atomic(AtomicOp op) {
        return switch (op) {
            case ADD -> 0x00;
            case OR -> 0x40;
            case AND -> 0x50;
            case XOR -> 0xa0;
            case XCHG -> 0xe0;
            case CMPXCHG -> 0xf0;
        };
    }

    static int code(AluOp op) {
        return switch (op) {
            case ADD -> 0x00;
            case SUB -> 0x10;
            case MUL -> 0x20;
            case DIV, SDIV -> CODE_DIV;
            case OR -> 0x40;
            case AND -> 0x50;
            case LSH -> 0x60;
            case RSH -> 0x70;
            case MOD, SMOD -> CODE_MOD;
            case XOR -> 0xa0;
            case MOV -> CODE_MOV;
            case ARSH -> 0xc0;
        };
    }

    static int code(JumpOp op) {
        return switch (op) {
            case JEQ -> 0x10;
            case JGT -> 0x20;
            case JGE -> 0x30;
            case JSET -> 0x40;
            case JNE -> 0x50;
            case JSGT -> 0x60;
            case JSGE -> 0x70;
            case JLT -> 0xa0;
            case JLE -> 0xb0;
            case JSLT -> 0xc0;
            case JSLE -> 0xd0;
        };
    }
}
