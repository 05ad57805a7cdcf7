package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;

/** What all emitters of one pass share: the assembler, the registers, the frame of the current function. */
final class Emission {
    /** Distances up to this are taken as reachable from any byte of the code, whose size is far below the rest. */
    private static final long REACH = Integer.MAX_VALUE - (16L << 20);

    private final X64Assembler asm;
    private final RegisterMap registers = new RegisterMap();
    private final long codeAddress;
    private Frame frame;

    Emission(long codeAddress) {
        this.asm = new X64Assembler(codeAddress);
        this.codeAddress = codeAddress;
    }

    X64Assembler asm() {
        return asm;
    }

    RegisterMap registers() {
        return registers;
    }

    Frame frame() {
        return frame;
    }

    void enter(Frame functionFrame) {
        this.frame = functionFrame;
    }

    /** The register that is written. */
    Gpr dst(Reg reg) {
        return registers.of(reg);
    }

    /** A register that is read; r10 is computed into the scratch register. */
    Gpr src(Reg reg) {
        if (reg != Reg.R10) {
            return registers.of(reg);
        }
        Gpr scratch = registers.use(RegisterMap.SCRATCH);
        asm.lea(OpSize.Q, scratch, address(Reg.R10, 0));
        return scratch;
    }

    /** Puts an operand into a given register. */
    void moveTo(Gpr to, OpSize size, Operand operand) {
        registers.use(to);
        switch (operand) {
            case Operand.Imm(int value) -> asm.mov(to, size == OpSize.D ? value & 0xffff_ffffL : value);
            case Operand.Src(Reg reg) when reg == Reg.R10 -> asm.lea(OpSize.Q, to, address(reg, 0));
            case Operand.Src(Reg reg) -> asm.mov(size, to, registers.of(reg));
        }
    }

    Address address(Reg base, int offset) {
        return base == Reg.R10 ? Address.at(Gpr.RSP, frame.top() + offset) : Address.at(registers.of(base), offset);
    }

    /** Loads an address of the target in the shortest form. */
    void loadAddress(Gpr to, long address) {
        long distance = address - codeAddress;
        if (address >>> 32 != 0 && Math.abs(distance) < REACH) {
            asm.lea(OpSize.Q, to, Address.absolute(address));
        } else {
            asm.mov(to, address);
        }
    }

    boolean reaches(long address) {
        return Math.abs(address - codeAddress) < REACH;
    }

    static OpSize size(Width width) {
        return width == Width.W32 ? OpSize.D : OpSize.Q;
    }

    static OpSize size(MemSize size) {
        return switch (size) {
            case B -> OpSize.B;
            case H -> OpSize.W;
            case W -> OpSize.D;
            case DW -> OpSize.Q;
        };
    }
}
