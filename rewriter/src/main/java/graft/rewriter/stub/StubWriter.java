package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import java.util.List;

/**
 * Writes stubs at an address that the caller chose. Every call of a thunk has its own site record (function ip, cookie)
 * in front of it, so several programs can run at one site.
 */
public final class StubWriter {
    private static final int RED_ZONE = 128;

    private final X64Assembler out;
    private final RemoteAddress address;

    /** A writer for one stub at {@code address}. */
    public StubWriter(RemoteAddress address) {
        this.address = address;
        this.out = new X64Assembler(address.value());
    }

    /** No {@link #room} for two jumps is longer: five branches of two bytes become six each. */
    public static final int MAX_ROOM_BYTES = 64;

    /** No stub with this many calls and displaced instructions is longer. */
    public static int maxBytes(int calls, int insns) {
        return 96 + 40 * calls + 40 * insns;
    }

    /** Instructions that make room for others: moved instructions, jump to {@code back}. */
    public Stub room(List<X64Insn> displaced, RemoteAddress back) {
        return moveAndReturn(address, displaced, back);
    }

    /** A function entry: calls, moved instructions, jump to {@code back}. */
    public Stub entry(List<ProbeCall> calls, List<X64Insn> displaced, RemoteAddress back) {
        calls(ProbeKind.ENTRY, calls);
        return moveAndReturn(entryOf(calls), displaced, back);
    }

    /** A function entry that its first instructions may leave: moved instructions, calls, jump to {@code back}. */
    public Stub behind(List<ProbeCall> calls, List<X64Insn> displaced, RemoteAddress back) {
        requireCalls(calls);
        return switch (move(displaced)) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> {
                for (ProbeCall call : calls) {
                    hopOverRecord();
                    record(call);
                    call(ProbeKind.ENTRY, call, false);
                }
                out.jmp(back.value());
                yield written(address, moved);
            }
        };
    }

    /** Any instruction: the red zone is skipped first. */
    public Stub offset(List<ProbeCall> calls, List<X64Insn> displaced, RemoteAddress back) {
        skippingCalls(ProbeKind.OFFSET, calls);
        return moveAndReturn(entryOf(calls), displaced, back);
    }

    /** An exit: moved instructions, calls, {@code ret}. */
    public Stub exit(List<ProbeCall> calls, List<X64Insn> beforeRet, Code ret) {
        RemoteAddress entry = new RemoteAddress(out.here());
        Relocation relocation = move(beforeRet);
        return switch (relocation) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> {
                returnCalls(calls);
                out.bytes(ret.bytes());
                yield new Stub.Written(address, entry, Code.of(out.finish()), moved);
            }
        };
    }

    /** A {@code call rel32} retargeted to this stub; the return address on the stack is the original one. */
    public Stub callSite(List<ProbeCall> calls, RemoteAddress target) {
        calls(ProbeKind.CALL_SITE, calls);
        out.jmp(target.value());
        return written(entryOf(calls), List.of());
    }

    /** A {@code jmp rel32} retargeted to this stub. */
    public Stub jumpSite(List<ProbeCall> calls, RemoteAddress target) {
        skippingCalls(ProbeKind.OFFSET, calls);
        out.jmp(target.value());
        return written(entryOf(calls), List.of());
    }

    /**
     * A function entry whose call is wrapped: {@code entries} before, {@code returns} after the function has returned.
     * The return address leaves the stack for the slot table and comes back before {@code returns} run; calls and
     * returns stay balanced for the processor's return predictor.
     */
    public Stub wrap(
            List<ProbeCall> entries,
            List<ProbeCall> returns,
            ReturnRoutines.Addresses routines,
            List<X64Insn> displaced,
            RemoteAddress back) {
        calls(ProbeKind.ENTRY, entries);
        RemoteAddress entry = entries.isEmpty() ? address : entryOf(entries);
        Label body = new Label("body");
        out.call(routines.claim().value());
        out.jcc(Cond.NE, body);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, 8));
        out.call(body);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -8));
        out.call(routines.release().value());
        returnCalls(returns);
        out.plain(Plain.RET);
        out.bind(body);
        return moveAndReturn(entry, displaced, back);
    }

    private RemoteAddress entryOf(List<ProbeCall> calls) {
        requireCalls(calls);
        return address.plus(16);
    }

    private static void requireCalls(List<ProbeCall> calls) {
        if (calls.isEmpty()) {
            throw new IllegalArgumentException("a stub without programs");
        }
    }

    private void record(ProbeCall call) {
        out.data64(call.functionIp().value());
        out.data64(call.cookie());
    }

    private void calls(ProbeKind kind, List<ProbeCall> calls) {
        for (int i = 0; i < calls.size(); i++) {
            if (i > 0) {
                hopOverRecord();
            }
            record(calls.get(i));
            call(kind, calls.get(i), i == 0);
        }
    }

    /** The thunk finds the record at a fixed distance, so later calls have a no-operation where the first one skips. */
    private void call(ProbeKind kind, ProbeCall call, boolean first) {
        if (kind.interruptsAnything() && first) {
            out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -RED_ZONE));
        } else {
            out.nop(kind.skipBytes());
        }
        out.call(call.thunk().value());
    }

    private void hopOverRecord() {
        out.bytes(new byte[] {(byte) 0xeb, 16});
    }

    /** Calls below the red zone. */
    private void skippingCalls(ProbeKind kind, List<ProbeCall> calls) {
        calls(kind, calls);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, RED_ZONE));
    }

    private void returnCalls(List<ProbeCall> calls) {
        for (ProbeCall call : calls) {
            hopOverRecord();
            record(call);
            out.call(call.thunk().value());
        }
    }

    private Relocation move(List<X64Insn> insns) {
        return insns.isEmpty() ? new Relocation.Done(List.of()) : new Relocator(out).relocate(insns);
    }

    private Stub moveAndReturn(RemoteAddress entry, List<X64Insn> displaced, RemoteAddress back) {
        return switch (move(displaced)) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> {
                if (displaced.isEmpty() || !displaced.getLast().kind().endsFlow()) {
                    out.jmp(back.value());
                }
                yield written(entry, moved);
            }
        };
    }

    private Stub written(RemoteAddress entry, List<Relocation.Moved> moved) {
        return new Stub.Written(address, entry, Code.of(out.finish()), moved);
    }
}
