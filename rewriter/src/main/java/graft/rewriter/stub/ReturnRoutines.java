package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.layout.ReturnSlotLayout;
import graft.rewriter.Code;

/**
 * The two routines, one pair per pool, that keep return addresses of wrapped calls while the calls run.
 *
 * <p>The table is 512 sets of 8 slots, keyed by the address of the stack word that held the return address. No two live
 * calls share that word, so only the claim of a free slot needs an atomic store. Slots with an even number keep their key
 * when the call returns (the next call at the same depth finds it without one); slots with an odd number are freed.
 * A slot left by longjmp is overwritten when its stack word holds a return address again. Both routines preserve every
 * register; flags are dead at a function's entry and exit. They use the 128 bytes below the stack pointer, which the
 * kernel leaves alone when it delivers a signal. A full set, or a call that is reached by a tail jump from a wrapped
 * function (its return address is ours), is not wrapped and is counted in {@code missed_returns}.
 */
public final class ReturnRoutines {
    /** Both routines together are not longer. */
    public static final int MAX_BYTES = 512;

    private static final int HASH = 0x61c88647;

    private final RuntimeRegion runtime;
    private final X64Assembler out;

    /** Where the routines begin. */
    public record Addresses(RemoteAddress claim, RemoteAddress release) {}

    /** The routines' bytes and where they begin. */
    public record Written(RemoteAddress address, Code code, Addresses addresses) {}

    private ReturnRoutines(RuntimeRegion runtime, RemoteAddress address) {
        this.runtime = runtime;
        this.out = new X64Assembler(address.value());
    }

    /** The routines for {@code address}. */
    public static Written write(RuntimeRegion runtime, RemoteAddress address) {
        ReturnRoutines routines = new ReturnRoutines(runtime, address);
        routines.claim();
        routines.out.align(16);
        RemoteAddress release = new RemoteAddress(routines.out.here());
        routines.release();
        return new Written(address, Code.of(routines.out.finish()), new Addresses(address, release));
    }

    /** Leaves ZF set when the return address is in the table, clear when the call is not to be wrapped. */
    private void claim() {
        Label refuse = new Label("refuse");
        Label found = new Label("found");
        Label missed = new Label("missed");
        out.op(Arith.CMP, OpSize.D, new Address.Absolute(runtime.active().value()), 0);
        out.jcc(Cond.E, refuse);
        save();
        findSet();
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        returnsIntoPool();
        out.jcc(Cond.B, missed);
        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, 8));
        forEachSlot("search", () -> {
            out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), Gpr.RAX);
            out.jcc(Cond.E, found);
        });
        out.op(Arith.SUB, OpSize.Q, Gpr.R11, RuntimeRegion.RETURN_SET_BYTES);
        forEachSlot("free", () -> claimFree(found));
        out.bind(missed);
        out.mov(OpSize.D, Gpr.RAX, 1);
        out.locked(
                Locked.ADD,
                OpSize.Q,
                new Address.Absolute(runtime.missedReturns().value()),
                Gpr.RAX);
        restore();
        out.bind(refuse);
        out.op(Arith.CMP, OpSize.Q, Gpr.RSP, 0);
        out.plain(Plain.RET);
        out.bind(found);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), Gpr.R10);
        restore();
        out.op(Arith.CMP, OpSize.Q, Gpr.RSP, Gpr.RSP);
        out.plain(Plain.RET);
    }

    private void claimFree(Label found) {
        Label taken = new Label("taken");
        out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), 0);
        out.jcc(Cond.NE, taken);
        out.lea(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, 8));
        out.mov(OpSize.D, Gpr.RAX, 0);
        out.locked(Locked.CMPXCHG, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), Gpr.R10);
        out.jcc(Cond.E, found);
        out.bind(taken);
    }

    /** Puts the return address back into its stack word, the eight bytes above the stub's return address. */
    private void release() {
        Label found = new Label("held");
        Label kept = new Label("kept");
        save();
        findSet();
        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, 8));
        forEachSlot("held-search", () -> {
            out.op(Arith.CMP, OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), Gpr.RAX);
            out.jcc(Cond.E, found);
        });
        // Only foreign writes to the table lead here; there is no return address left to go to.
        out.plain(Plain.UD2);
        out.bind(found);
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS));
        out.mov(OpSize.Q, Address.at(Gpr.RSP, 8), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.ADDRESS), 0);
        out.test(OpSize.D, Gpr.R11, RuntimeRegion.RETURN_SLOT_BYTES);
        out.jcc(Cond.E, kept);
        out.mov(OpSize.Q, Address.at(Gpr.R11, ReturnSlotLayout.SLOT), 0);
        out.bind(kept);
        restore();
        out.plain(Plain.RET);
    }

    private void save() {
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -8), Gpr.RAX);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -16), Gpr.R10);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -24), Gpr.R11);
    }

    private void restore() {
        out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, -8));
        out.mov(OpSize.Q, Gpr.R10, Address.at(Gpr.RSP, -16));
        out.mov(OpSize.Q, Gpr.R11, Address.at(Gpr.RSP, -24));
    }

    /** r11 becomes the first slot of the set of the stack word at rsp + 8. */
    private void findSet() {
        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RSP, 8));
        out.imul(OpSize.Q, Gpr.R10, Gpr.RAX, HASH);
        out.op(Shift.SHR, OpSize.Q, Gpr.R10, 33);
        out.op(Arith.AND, OpSize.D, Gpr.R10, RuntimeRegion.RETURN_SET_MASK);
        out.lea(OpSize.Q, Gpr.R11, new Address.Absolute(runtime.returnSlots().value()));
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.R11, Gpr.R10);
    }

    /** CF set when r10 is an address in the pool; changes rax. */
    private void returnsIntoPool() {
        out.lea(OpSize.Q, Gpr.RAX, new Address.Absolute(runtime.pool().value()));
        out.op(Arith.SUB, OpSize.Q, (RegMem) Gpr.R10, Gpr.RAX);
        out.op(Arith.CMP, OpSize.Q, Gpr.R10, Math.toIntExact(runtime.poolSize()));
    }

    private void forEachSlot(String name, Runnable body) {
        Label again = new Label(name);
        out.bind(again);
        body.run();
        out.op(Arith.ADD, OpSize.Q, Gpr.R11, RuntimeRegion.RETURN_SLOT_BYTES);
        out.test(OpSize.D, Gpr.R11, RuntimeRegion.RETURN_SET_BYTES - RuntimeRegion.RETURN_SLOT_BYTES);
        out.jcc(Cond.NE, again);
    }
}
