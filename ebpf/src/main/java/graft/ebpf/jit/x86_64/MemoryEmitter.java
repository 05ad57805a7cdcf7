package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
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

    void lea(Op.Lea op) {
        Address address = emission.address(op.place());
        asm.lea(Emission.size(op.width()), emission.of(op.dst()), address);
    }

    void load(Op.Load op) {
        Address address = emission.address(op.place());
        OpSize size = Emission.size(op.size());
        Gpr dst = emission.of(op.dst());
        if (op.extension() == Extension.SIGN) {
            asm.movsx(size, OpSize.Q, dst, address);
        } else {
            asm.movzx(size, dst, address);
        }
    }

    void tried(Op.TriedLoad op) {
        asm.movzx(Emission.size(op.size()), emission.of(op.dst()), Address.at(emission.of(op.address()), op.offset()));
    }

    void store(Op.Store op) {
        Address address = emission.address(op.place());
        OpSize size = Emission.size(op.size());
        switch (op.value()) {
            case Value.Constant(long value) -> asm.mov(size, address, (int) value);
            case Var var -> asm.mov(size, address, emission.of(var));
            case Value.Symbol _, Value.FrameAddress _ -> throw new AssertionError("store of an address: " + op);
        }
    }

    void atomic(Op.Atomic op) {
        OpSize size = Emission.size(op.size());
        Gpr operand = emission.of(op.operand());
        if (op.op() == AtomicOp.CMPXCHG) {
            asm.locked(Locked.CMPXCHG, size, emission.address(op.place()), operand);
            if (size == OpSize.D) {
                asm.mov(OpSize.D, Gpr.RAX, Gpr.RAX);
            }
        } else if (op.old().isEmpty()) {
            asm.locked(plain(op.op()), size, emission.address(op.place()), operand);
        } else {
            fetch(op, size, operand, emission.of(op.old().get()));
        }
    }

    private static Locked plain(AtomicOp op) {
        return switch (op) {
            case ADD -> Locked.ADD;
            case OR -> Locked.OR;
            case AND -> Locked.AND;
            case XOR -> Locked.XOR;
            case XCHG, CMPXCHG -> throw new AssertionError(op + " always fetches");
        };
    }

    private void fetch(Op.Atomic op, OpSize size, Gpr operand, Gpr old) {
        switch (op.op()) {
            case ADD -> exchange(Locked.XADD, op, operand, old);
            case XCHG -> exchange(Locked.XCHG, op, operand, old);
            case OR -> fetchByLoop(Arith.OR, op, operand, old);
            case AND -> fetchByLoop(Arith.AND, op, operand, old);
            case XOR -> fetchByLoop(Arith.XOR, op, operand, old);
            case CMPXCHG -> throw new AssertionError("not a fetch of " + size);
        }
    }

    /** The machine's operand becomes the old value. */
    private void exchange(Locked locked, Op.Atomic op, Gpr operand, Gpr old) {
        OpSize size = Emission.size(op.size());
        Gpr both = operand == old ? old : emission.use(Registers.SECOND);
        emission.move(size, both, operand);
        asm.locked(locked, size, emission.address(op.place()), both);
        emission.move(size, old, both);
    }

    /**
     * The machine has no fetching and/or/xor: compare and exchange until it succeeds. The address is computed first and
     * the value copied, so that base, operand and result may be any registers, rax included.
     */
    private void fetchByLoop(Arith arith, Op.Atomic op, Gpr operand, Gpr old) {
        OpSize size = Emission.size(op.size());
        Gpr pointer = Registers.SCRATCH;
        Gpr value = emission.use(Registers.THIRD);
        boolean keep = emission.isLive(Gpr.RAX, old);
        Gpr desired = old == Gpr.RAX ? emission.use(Registers.SECOND) : old;
        Address address = emission.address(op.place());
        asm.lea(OpSize.Q, emission.use(pointer), address);
        asm.mov(size, value, operand);
        if (keep) {
            asm.mov(OpSize.Q, emission.use(Registers.SECOND), Gpr.RAX);
        }
        asm.mov(size, emission.use(Gpr.RAX), Address.at(pointer));
        Label again = new Label("again");
        asm.bind(again);
        asm.mov(size, desired, Gpr.RAX);
        asm.op(arith, size, desired, value);
        asm.locked(Locked.CMPXCHG, size, Address.at(pointer), desired);
        asm.jcc(Cond.NE, again);
        asm.mov(size, old, Gpr.RAX);
        if (keep) {
            asm.mov(OpSize.Q, Gpr.RAX, Registers.SECOND);
        }
    }
}
