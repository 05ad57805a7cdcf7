package graft.platform.capstone;

import java.util.Optional;

/**
 * Where {@code cs_insn} keeps what is read here. It differs between major versions: 5 widened {@code bytes}.
 *
 * <pre>
 *             size  bytes     mnemonic  op_str    sizeof
 * Capstone 4  16    18[16]    34[32]    66[160]   240
 * Capstone 5  16    18[24]    42[32]    74[160]   248
 * </pre>
 */
enum InsnLayout {
    V4(4, 34, 66, 240),
    V5(5, 42, 74, 248);

    /** The offset of the insn's size, a 16-bit number, in every version. */
    static final long SIZE = 16;

    private final int major;
    private final long mnemonic;
    private final long operands;
    private final long total;

    InsnLayout(int major, long mnemonic, long operands, long total) {
        this.major = major;
        this.mnemonic = mnemonic;
        this.operands = operands;
        this.total = total;
    }

    static Optional<InsnLayout> of(int major) {
        for (InsnLayout layout : values()) {
            if (layout.major == major) {
                return Optional.of(layout);
            }
        }
        return Optional.empty();
    }

    long mnemonic() {
        return mnemonic;
    }

    long operands() {
        return operands;
    }

    long total() {
        return total;
    }
}
