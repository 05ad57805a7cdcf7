package graft.rewriter.x86_64;

import graft.platform.asm.x86_64.Gpr;
import java.util.EnumMap;
import java.util.Map;

/** {@code struct pt_regs} of x86-64 (arch/x86/include/uapi/asm/ptrace.h), by 8-byte field. */
final class PtRegs {
    static final int SIZE = 168;
    static final int ORIG_RAX = 15;
    static final int RIP = 16;
    static final int CS = 17;
    static final int EFLAGS = 18;
    static final int RSP = 19;
    static final int SS = 20;

    /** Selectors of user space in Linux. */
    static final int USER_CS = 0x33;

    static final int USER_SS = 0x2b;

    private static final Gpr[] ORDER = {
        Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.RBP, Gpr.RBX, Gpr.R11, Gpr.R10, Gpr.R9, Gpr.R8, Gpr.RAX, Gpr.RCX,
        Gpr.RDX, Gpr.RSI, Gpr.RDI
    };
    private static final Map<Gpr, Integer> FIELDS = new EnumMap<>(Gpr.class);

    static {
        for (int field = 0; field < ORDER.length; field++) {
            FIELDS.put(ORDER[field], field);
        }
    }

    private PtRegs() {}

    /** The general registers but rsp, in the order of their fields. */
    static Gpr[] order() {
        return ORDER.clone();
    }

    /** Offset of a general register (not rsp, whose field holds a computed value). */
    static int offset(Gpr register) {
        return 8 * FIELDS.get(register);
    }
}
