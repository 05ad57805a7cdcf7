package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Var;
import graft.platform.asm.x86_64.Gpr;

/** Which register each variable of a function is in. */
final class Allocation {
    private final Gpr[] registers;

    Allocation(int vars) {
        this.registers = new Gpr[vars];
    }

    void put(Var var, Gpr gpr) {
        registers[var.number()] = gpr;
    }

    /** The register of {@code var}. */
    Gpr of(Var var) {
        return of(var.number());
    }

    /** The register of the variable with a number. */
    Gpr of(int number) {
        Gpr gpr = registers[number];
        if (gpr == null) {
            throw new AssertionError("variable " + number + " has no register");
        }
        return gpr;
    }

    /** A bit for the register of the variable with a number, 0 while it has none. */
    int bit(int number) {
        Gpr gpr = registers[number];
        return gpr == null ? 0 : 1 << gpr.number();
    }

    /** Whether the variable with a number is in {@code gpr}. */
    boolean isIn(int number, Gpr gpr) {
        return registers[number] == gpr;
    }
}
