package graft.rewriter.stub;

import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import java.util.BitSet;
import java.util.List;

/**
 * What a thunk has on the stack while its program runs.
 *
 * <pre>
 *  from rsp up:  0 saved flags | 8 cookie | 16 function ip | 24 context (15 or 21 words of pt_regs)
 *           or, for system calls:                          | 24 record, or what else points to the registers
 *                                                          | behind it registers (15 or 21 words of pt_regs)
 *  above it: the return address into the stub, which leads to the site record
 * </pre>
 *
 * For programs that walk the stack 32 bytes more: 16 whether a frame begins (at system calls the address of the registers) | 24 result,
 * and on as for those that may override.
 *
 * For programs that may override, 16 bytes more: 8 result | 16 whether the function runs | 24 cookie | and so on.
 *
 * A saved register's place is its field of {@code pt_regs}, so what a program writes there is in the register afterwards. What
 * {@code pt_regs} shows otherwise than it is, the number of a system call, has its place in {@code orig_ax}.
 */
final class ThunkFrame {
    /** Registers in the order of {@code struct pt_regs}. */
    static final List<Gpr> FIELDS = List.of(
            Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.RBP, Gpr.RBX, Gpr.R11, Gpr.R10, Gpr.R9, Gpr.R8, Gpr.RAX, Gpr.RCX,
            Gpr.RDX, Gpr.RSI, Gpr.RDI);

    static final int FUNCTION_IP = -8;
    static final int COOKIE = -16;
    static final int RUNS = -24;
    static final int RESULT = -32;
    static final int FRAME_BEGINS = -40;

    /** In the first word of a site record, of programs that walk the stack: no address has this bit. */
    static final long BEGINS = 1L << 63;

    private static final int CONTEXT = 24;
    private static final int CONTEXT_BEHIND_OVERRIDE = 40;
    private static final int CONTEXT_BEHIND_FRAME = 56;
    private static final int WORD = 8;
    private static final int DI = 14;
    private static final int ORIG_RAX = 15;

    private final ProbeKind kind;
    private final BitSet fields;
    private final int context;
    private final boolean walks;

    /** @param fields what the program reads or writes of its context */
    ThunkFrame(ProbeKind kind, BitSet fields, ProgramEntry program) {
        this.kind = kind;
        this.fields = fields;
        this.walks = program.uses().contains(ProgramEntry.Use.FRAME);
        this.context = walks
                ? CONTEXT_BEHIND_FRAME
                : program.uses().contains(ProgramEntry.Use.OVERRIDE) ? CONTEXT_BEHIND_OVERRIDE : CONTEXT;
    }

    /** Whether {@code struct pt_regs} is there, all of it, where the context is another: it points there, or the stack is walked. */
    boolean showsRegisters() {
        return switch (kind.context()) {
            case REGISTERS -> false;
            case SYSCALL_RECORD -> walks;
            case SYSCALL_RAW -> walks || fields.get(0);
            case SYSCALL_WRAPPED -> walks || fields.get(DI);
        };
    }

    /** Without the fields behind the general registers, which few programs read: stacks may be short. */
    int bytes() {
        boolean all =
                showsRegisters() || kind.context() == ProbeKind.Context.REGISTERS && fields.length() > FIELDS.size();
        return registersAt() + WORD * (all ? ProgramEntry.CONTEXT_WORDS : FIELDS.size());
    }

    /** Where {@code struct pt_regs} is, or as much of it as is needed. */
    private int registersAt() {
        return context + kind.context().bytes();
    }

    /** {@code offset} bytes from the context. */
    Address at(int offset) {
        return Address.at(Gpr.RSP, context + offset);
    }

    /** A word of the context. */
    Address field(int index) {
        return at(WORD * index);
    }

    /** A word of {@code struct pt_regs}. */
    Address shown(int index) {
        return Address.at(Gpr.RSP, registersAt() + WORD * index);
    }

    Address shown(Gpr register) {
        return shown(FIELDS.indexOf(register));
    }

    /** Where a register is saved. */
    Address place(Gpr register) {
        return showsRegisters() && register == numberRegister() ? shown(ORIG_RAX) : shown(register);
    }

    /** Where the number of a system call is. */
    Gpr numberRegister() {
        return kind.isSyscallEnter() ? Gpr.RAX : Gpr.RCX;
    }

    Address returnAddress() {
        return Address.at(Gpr.RSP, bytes());
    }

    /** The word that is 16 bytes below the stack pointer when the thunk has returned. */
    Address top() {
        return Address.at(Gpr.RSP, bytes() - WORD);
    }
}
