package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;

/** Loads, stores and atomics. Acquire and release are plain moves on this machine. */
final class MemoryEmitter {
    private final Emission emission;
    private final X64Assembler asm;

    MemoryEmitter(Emission emission) {
        this.emission = emission;
        this.asm = emission.asm();
    }

    void load(Insn.Load insn) {
        Address address = emission.address(insn.base(), insn.offset());
        OpSize size = Emission.size(insn.size());
        Gpr dst = emission.dst(insn.dst());
        if (insn.extension() == Extension.SIGN) {
            asm.movsx(size, OpSize.Q, dst, address);
        } else {
            asm.movzx(size, dst, address);
        }
    }

    void loadAcquire(Insn.LoadAcquire insn) {
        load(new Insn.Load(insn.size(), Extension.ZERO, insn.dst(), insn.base(), insn.offset()));
    }

    void store(Insn.Store insn) {
        Address address = emission.address(insn.base(), insn.offset());
        OpSize size = Emission.size(insn.size());
        switch (insn.value()) {
            case Operand.Imm(int value) -> asm.mov(size, address, value);
            case Operand.Src(Reg reg) -> asm.mov(size, address, emission.src(reg));
        }
    }

    void storeRelease(Insn.StoreRelease insn) {
        store(new Insn.Store(insn.size(), insn.base(), insn.offset(), new Operand.Src(insn.src())));
    }

    void atomic(Insn.Atomic insn) {
        OpSize size = Emission.size(insn.size());
        switch (insn.op()) {
            case XCHG -> asm.locked(Locked.XCHG, size, address(insn), emission.src(insn.src()));
            case CMPXCHG -> {
                asm.locked(Locked.CMPXCHG, size, address(insn), emission.src(insn.src()));
                Gpr old = emission.dst(Reg.R0);
                if (size == OpSize.D) {
                    asm.mov(OpSize.D, old, old);
                }
            }
            case ADD ->
                asm.locked(
                        insn.fetch() == Fetch.NONE ? Locked.ADD : Locked.XADD,
                        size,
                        address(insn),
                        emission.src(insn.src()));
            case OR -> bitwise(insn, Locked.OR, Arith.OR);
            case AND -> bitwise(insn, Locked.AND, Arith.AND);
            case XOR -> bitwise(insn, Locked.XOR, Arith.XOR);
        }
    }

    private Address address(Insn.Atomic insn) {
        return emission.address(insn.base(), insn.offset());
    }

    private void bitwise(Insn.Atomic insn, Locked locked, Arith arith) {
        if (insn.fetch() == Fetch.NONE) {
            asm.locked(locked, Emission.size(insn.size()), address(insn), emission.src(insn.src()));
        } else {
            fetchByLoop(insn, arith);
        }
    }

    /**
     * The machine has no fetching and/or/xor: compare and exchange until it succeeds. The address is computed first and
     * the value copied, so that base and source may be any registers, rax included.
     */
    private void fetchByLoop(Insn.Atomic insn, Arith arith) {
        OpSize size = Emission.size(insn.size());
        RegisterMap registers = emission.registers();
        Gpr src = emission.dst(insn.src());
        Gpr pointer = registers.use(RegisterMap.SCRATCH);
        Gpr value = registers.use(RegisterMap.VALUE);
        Gpr saved = registers.use(RegisterMap.SAVED);
        boolean resultInPlace = src == Gpr.RAX;
        Gpr desired = resultInPlace ? saved : src;
        asm.lea(OpSize.Q, pointer, address(insn));
        asm.mov(size, value, src);
        if (!resultInPlace) {
            asm.mov(OpSize.Q, saved, Gpr.RAX);
        }
        asm.mov(size, Gpr.RAX, Address.at(pointer));
        Label again = new Label("again");
        asm.bind(again);
        asm.mov(size, desired, Gpr.RAX);
        asm.op(arith, size, desired, value);
        asm.locked(Locked.CMPXCHG, size, Address.at(pointer), desired);
        asm.jcc(Cond.NE, again);
        if (!resultInPlace) {
            asm.mov(size, src, Gpr.RAX);
            asm.mov(OpSize.Q, Gpr.RAX, saved);
        }
    }
}
