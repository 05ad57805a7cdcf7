package graft.rewriter.x86_64;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.Locked;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.Shift;
import graft.platform.asm.x86_64.X64Assembler;
import graft.rewriter.Code;
import java.util.List;

/**
 * Writes the stub of one site: site record, calls of thunks, displaced instructions, jump back.
 *
 * <p>A site record is 16 bytes right before the call it belongs to: ip (u64), cookie (u64). The thunk finds it by its
 * return address. The first record lies before the stub's entry, later ones are jumped over.
 */
public final class StubWriter {
    /** Bytes of {@code call rel32}. */
    static final int CALL_LENGTH = 5;

    /** Bytes of a site record. */
    static final int RECORD_LENGTH = 16;

    /** Bytes below rsp that belong to the interrupted function (System V ABI). */
    static final int RED_ZONE = 128;

    private static final int SKIP_LENGTH = 2;
    private static final int JUMP_LENGTH = 5;
    private static final int ADJUST_LENGTH = 8;
    private static final int WRAP_LENGTH = 256;
    private static final int SLOT_PROBES = 4;
    private static final int SLOT_BYTES = 16;
    private static final int SCRATCH_BYTES = 4 * 8;

    private final X64Assembler asm;
    private final long address;

    private StubWriter(RemoteAddress address) {
        this.address = address.value();
        this.asm = new X64Assembler(this.address);
    }

    /**
     * A stub's code and where it is entered.
     *
     * @param entry where the site jumps to
     * @param moved where the displaced instructions begin
     */
    public record Stub(RemoteAddress address, Code code, RemoteAddress entry, RemoteAddress moved) {}

    /**
     * The table of original return addresses in a target's runtime region.
     *
     * @param slots the first {@code struct graft_return_slot}
     * @param count number of slots, a power of two
     * @param missed counter of calls that found no free slot
     */
    public record ReturnTable(RemoteAddress slots, int count, RemoteAddress missed) {}

    /** An upper bound for the length of any stub with {@code calls} calls. */
    public static int maxLength(int calls, MovedCode moved) {
        int call = SKIP_LENGTH + RECORD_LENGTH + CALL_LENGTH;
        return RECORD_LENGTH + calls * call + 2 * ADJUST_LENGTH + moved.maxLength() + JUMP_LENGTH + WRAP_LENGTH;
    }

    /** At a function's entry: thunks, displaced instructions, back. */
    public static Stub entry(RemoteAddress address, List<ThunkCall> calls, MovedCode moved, RemoteAddress back) {
        StubWriter writer = new StubWriter(address);
        writer.callAll(calls);
        RemoteAddress movedAt = writer.movedThenBack(moved, back);
        return writer.stub(address.plus(RECORD_LENGTH), movedAt);
    }

    /** At any other instruction: red zone skipped, thunks, displaced instructions, back. */
    public static Stub offset(RemoteAddress address, List<ThunkCall> calls, MovedCode moved, RemoteAddress back) {
        StubWriter writer = new StubWriter(address);
        writer.callAllBelowRedZone(calls);
        RemoteAddress movedAt = writer.movedThenBack(moved, back);
        return writer.stub(address, movedAt);
    }

    /** Before a {@code syscall}: displaced instructions first, since they load its number; then as at any offset. */
    public static Stub syscallEnter(RemoteAddress address, List<ThunkCall> calls, MovedCode moved, RemoteAddress back) {
        StubWriter writer = new StubWriter(address);
        moved.write(writer.asm);
        writer.callAllBelowRedZone(calls);
        writer.asm.jmp(back.value());
        return writer.stub(address, address);
    }

    /**
     * At a function's exit: displaced instructions up to its {@code ret}, thunks, {@code ret}.
     *
     * @param moved the displaced instructions without the {@code ret}
     */
    public static Stub exit(RemoteAddress address, List<ThunkCall> calls, MovedCode moved) {
        StubWriter writer = new StubWriter(address);
        moved.write(writer.asm);
        RemoteAddress entry = writer.asm.position() == 0 ? address.plus(RECORD_LENGTH) : address;
        writer.callAll(calls);
        writer.asm.plain(Plain.RET);
        return writer.stub(entry, address);
    }

    /**
     * At the entry of a function whose exits cannot be patched: entry thunks; then the body is called, so that the
     * return predictor stays in step; then return thunks and the return to the original address, which waits in
     * {@code table} under the address of its stack slot. When the table has no room the call is counted as missed and
     * goes on unwrapped.
     */
    public static Stub wrap(RemoteAddress address, WrapCalls calls, MovedCode moved, RemoteAddress back) {
        StubWriter writer = new StubWriter(address);
        Label body = new Label("body");
        writer.callAll(calls.onEntry());
        RemoteAddress entry = calls.onEntry().isEmpty() ? address : address.plus(RECORD_LENGTH);
        writer.claimSlot(calls.table(), body);
        // The caller's address leaves its slot; the call puts ours into the same slot.
        writer.asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, 8));
        writer.asm.call(body);
        writer.asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -8));
        writer.releaseSlot(calls.table());
        writer.callAll(calls.onReturn());
        writer.asm.plain(Plain.RET);
        writer.asm.bind(body);
        RemoteAddress movedAt = writer.movedThenBack(moved, back);
        return writer.stub(entry, movedAt);
    }

    /** What a wrapping stub calls, and where it keeps return addresses. */
    public record WrapCalls(List<ThunkCall> onEntry, List<ThunkCall> onReturn, ReturnTable table) {}

    private void callAllBelowRedZone(List<ThunkCall> calls) {
        asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -RED_ZONE));
        callAll(calls);
        asm.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, RED_ZONE));
    }

    private void callAll(List<ThunkCall> calls) {
        for (ThunkCall call : calls) {
            if (asm.position() == 0) {
                record(call);
            } else {
                Label over = new Label("over the record");
                asm.jmp(over, Reach.SHORT);
                record(call);
                asm.bind(over);
            }
            asm.call(call.thunk().value());
        }
    }

    private void record(ThunkCall call) {
        asm.data64(call.ip());
        asm.data64(call.cookie());
    }

    /** Stores the return address under its slot's address, or jumps to {@code body} when there is no room. */
    private void claimSlot(ReturnTable table, Label body) {
        Label next = new Label("next slot");
        Label claimed = new Label("claimed");
        pushScratch();
        asm.lea(OpSize.Q, Gpr.RDX, Address.at(Gpr.RSP, SCRATCH_BYTES));
        firstSlot(table);
        asm.bind(next);
        asm.op(Arith.CMP, OpSize.Q, Address.at(Gpr.RCX), Gpr.RDX);
        // A frame that was left by longjmp or an exception left its slot behind; the same stack slot takes it over.
        asm.jcc(Cond.E, claimed);
        asm.op(Arith.XOR, OpSize.D, Gpr.RAX, Gpr.RAX);
        asm.locked(Locked.CMPXCHG, OpSize.Q, Address.at(Gpr.RCX), Gpr.RDX);
        asm.jcc(Cond.E, claimed);
        asm.op(Arith.ADD, OpSize.Q, Gpr.RCX, SLOT_BYTES);
        asm.op(Arith.SUB, OpSize.D, Gpr.RSI, 1);
        asm.jcc(Cond.NE, next);
        asm.mov(OpSize.D, Gpr.RAX, 1);
        asm.locked(Locked.ADD, OpSize.Q, Address.absolute(table.missed().value()), Gpr.RAX);
        popScratch();
        asm.jmp(body);
        asm.bind(claimed);
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDX));
        asm.mov(OpSize.Q, Address.at(Gpr.RCX, 8), Gpr.RAX);
        popScratch();
    }

    /** Puts the original return address back into its slot (rsp points to it) and frees the table's entry. */
    private void releaseSlot(ReturnTable table) {
        Label next = new Label("next slot");
        Label found = new Label("found");
        pushScratch();
        asm.lea(OpSize.Q, Gpr.RDX, Address.at(Gpr.RSP, SCRATCH_BYTES));
        firstSlot(table);
        asm.bind(next);
        asm.op(Arith.CMP, OpSize.Q, Address.at(Gpr.RCX), Gpr.RDX);
        asm.jcc(Cond.E, found);
        asm.op(Arith.ADD, OpSize.Q, Gpr.RCX, SLOT_BYTES);
        asm.op(Arith.SUB, OpSize.D, Gpr.RSI, 1);
        asm.jcc(Cond.NE, next);
        // Only this frame frees its entry, and nothing else can live in its stack slot meanwhile.
        asm.plain(Plain.UD2);
        asm.bind(found);
        asm.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RCX, 8));
        asm.mov(OpSize.Q, Address.at(Gpr.RDX), Gpr.RAX);
        // Last: a signal handler that finds the entry free may use it for a frame of its own.
        asm.mov(OpSize.Q, Address.at(Gpr.RCX), 0);
        popScratch();
    }

    /** rcx = first table entry for the slot address in rdx, rsi = number of entries to try. */
    private void firstSlot(ReturnTable table) {
        asm.mov(OpSize.D, Gpr.RCX, Gpr.RDX);
        asm.op(Arith.AND, OpSize.D, Gpr.RCX, (table.count() - SLOT_PROBES) << 3);
        asm.op(Shift.SHL, OpSize.Q, Gpr.RCX, 1);
        asm.lea(OpSize.Q, Gpr.RAX, Address.absolute(table.slots().value()));
        asm.op(Arith.ADD, OpSize.Q, Gpr.RCX, Gpr.RAX);
        asm.mov(OpSize.D, Gpr.RSI, SLOT_PROBES);
    }

    private void pushScratch() {
        asm.push(Gpr.RAX);
        asm.push(Gpr.RCX);
        asm.push(Gpr.RDX);
        asm.push(Gpr.RSI);
    }

    private void popScratch() {
        asm.pop(Gpr.RSI);
        asm.pop(Gpr.RDX);
        asm.pop(Gpr.RCX);
        asm.pop(Gpr.RAX);
    }

    private RemoteAddress movedThenBack(MovedCode moved, RemoteAddress back) {
        RemoteAddress movedAt = new RemoteAddress(asm.here());
        moved.write(asm);
        asm.jmp(back.value());
        return movedAt;
    }

    private Stub stub(RemoteAddress entry, RemoteAddress moved) {
        return new Stub(new RemoteAddress(address), Code.of(asm.finish()), entry, moved);
    }
}
