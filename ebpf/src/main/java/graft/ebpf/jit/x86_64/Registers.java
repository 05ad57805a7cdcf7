package graft.ebpf.jit.x86_64;

import graft.platform.asm.x86_64.Gpr;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What each machine register is for. r0 to r9 of a program have a home: r1 to r5 the argument registers of the C
 * convention, so that calls need no moves, r6 to r9 registers that calls preserve. r10 and r11 of the machine are scratch
 * within one operation, r9 too where an operation needs three. The frame is addressed from rsp.
 */
final class Registers {
    static final Gpr SCRATCH = Gpr.R11;
    static final Gpr SECOND = Gpr.R10;
    static final Gpr THIRD = Gpr.R9;

    private static final List<Gpr> HOMES =
            List.of(Gpr.RAX, Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.RCX, Gpr.R8, Gpr.RBX, Gpr.R13, Gpr.R14, Gpr.R15);

    /** What a call may change. */
    static final List<Gpr> CALLER_SAVED =
            List.of(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);

    /** What a function must restore, in push order. */
    static final List<Gpr> CALLEE_SAVED = List.of(Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15);

    /** What variables can be given, those first that cost nothing to use. */
    static final List<Gpr> ALLOCATABLE = List.of(
            Gpr.R8, Gpr.RSI, Gpr.RDI, Gpr.RCX, Gpr.RDX, Gpr.RAX, Gpr.R9, Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14,
            Gpr.R15);

    private Registers() {}

    /** The register of eBPF register {@code number}. */
    static Gpr home(int number) {
        return HOMES.get(number);
    }

    static boolean isCalleeSaved(Gpr gpr) {
        return CALLEE_SAVED.contains(gpr);
    }

    /** The callee-saved ones among {@code used}, in push order. */
    static List<Gpr> saved(Set<Gpr> used) {
        List<Gpr> saved = new ArrayList<>(CALLEE_SAVED);
        saved.retainAll(used);
        return List.copyOf(saved);
    }

    static Set<Gpr> none() {
        return EnumSet.noneOf(Gpr.class);
    }
}
