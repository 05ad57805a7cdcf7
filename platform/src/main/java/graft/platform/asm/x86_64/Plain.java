package graft.platform.asm.x86_64;

/** Instructions without operands. */
public enum Plain {
    RET(0xc3),
    LEAVE(0xc9),
    LAHF(0x9f),
    SAHF(0x9e),
    PUSHFQ(0x9c),
    POPFQ(0x9d),
    CLD(0xfc),
    CDQ(0x99),
    CQO(0x48, 0x99),
    INT3(0xcc),
    UD2(0x0f, 0x0b),
    SYSCALL(0x0f, 0x05),
    RDTSC(0x0f, 0x31),
    MFENCE(0x0f, 0xae, 0xf0),
    LFENCE(0x0f, 0xae, 0xe8),
    PAUSE(0xf3, 0x90),
    XEND(0x0f, 0x01, 0xd5),
    ENDBR64(0xf3, 0x0f, 0x1e, 0xfa);

    private final byte[] code;

    Plain(int... code) {
        this.code = new byte[code.length];
        for (int i = 0; i < code.length; i++) {
            this.code[i] = (byte) code[i];
        }
    }

    byte[] code() {
        return code;
    }
}
