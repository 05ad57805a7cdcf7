package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Reg;
import graft.platform.asm.x86_64.Gpr;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Which machine register holds which eBPF register, and which were used. r1 to r5 are the argument registers of the C
 * convention, so helper calls need no moves. r10 has no register: the frame is addressed from rsp. r9, r10, r11 of the
 * machine are scratch within one instruction.
 */
final class RegisterMap {
    static final Gpr VALUE = Gpr.R9;
    static final Gpr SAVED = Gpr.R10;
    static final Gpr SCRATCH = Gpr.R11;

    /** What a helper may change. */
    static final List<Gpr> CALLER_SAVED =
            List.of(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);

    private static final Set<Gpr> CALLEE_SAVED = EnumSet.of(Gpr.RBX, Gpr.R13, Gpr.R14, Gpr.R15);

    private final Set<Gpr> inFunction = EnumSet.noneOf(Gpr.class);
    private final Set<Gpr> inProgram = EnumSet.noneOf(Gpr.class);

    /** The register of {@code reg}, which is not r10. */
    Gpr of(Reg reg) {
        return use(
                switch (reg) {
                    case R0 -> Gpr.RAX;
                    case R1 -> Gpr.RDI;
                    case R2 -> Gpr.RSI;
                    case R3 -> Gpr.RDX;
                    case R4 -> Gpr.RCX;
                    case R5 -> Gpr.R8;
                    case R6 -> Gpr.RBX;
                    case R7 -> Gpr.R13;
                    case R8 -> Gpr.R14;
                    case R9 -> Gpr.R15;
                    case R10 -> throw new AssertionError("r10 is written");
                });
    }

    Gpr use(Gpr gpr) {
        inFunction.add(gpr);
        return gpr;
    }

    void useAllCallerSaved() {
        inFunction.addAll(CALLER_SAVED);
    }

    /** Ends a function and returns the callee-saved registers it uses, in push order. */
    List<Gpr> endFunction() {
        List<Gpr> saved =
                inFunction.stream().filter(CALLEE_SAVED::contains).sorted().toList();
        inProgram.addAll(inFunction);
        inFunction.clear();
        return saved;
    }

    /** What the whole program changes as its caller sees it. */
    Set<Gpr> clobbers() {
        Set<Gpr> clobbers = EnumSet.copyOf(inProgram);
        clobbers.removeAll(CALLEE_SAVED);
        return clobbers;
    }

    static List<Gpr> allCalleeSaved() {
        return CALLEE_SAVED.stream().sorted().toList();
    }
}
