package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Writes stubs at an address that the caller chose. Every call of a thunk has its own site record (function ip, cookie)
 * in front of it, so several programs can run at one site.
 */
public final class StubWriter {
    private static final int RED_ZONE = 128;

    /** {@code jrcxz} over a load of rcx and a short jump. */
    private static final byte[] JRCXZ_OVER_MOV_AND_JMP = {(byte) 0xe3, 7};

    /** Of a signal's handler. */
    private static final List<Gpr> ARGUMENTS = List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX);

    private final X64Assembler out;
    private final RemoteAddress address;
    private final Label afterCalls = new Label("after the calls");
    private final List<Exit> exits = new ArrayList<>();
    private Optional<RemoteAddress> active = Optional.empty();
    private Map<RemoteAddress, List<ProbeCall>> inside = Map.of();

    /** The programs at one function's entry, and those of its return, which run there when the function does not. */
    public record FunctionCalls(ProbeKind kind, List<ProbeCall> entries, List<ProbeCall> returns) {
        public FunctionCalls {
            entries = List.copyOf(entries);
            returns = List.copyOf(returns);
        }
    }

    /** Where the stub goes on when call number {@code call} has said that nothing else runs. */
    private record Exit(int call, Label label) {}

    /** A writer for one stub at {@code address}. */
    public StubWriter(RemoteAddress address) {
        this.address = address;
        this.out = new X64Assembler(address.value());
    }

    /**
     * Programs at displaced instructions, by the address that those come from: they run wherever the stub runs that
     * instruction. To be told first.
     */
    public StubWriter inside(Map<RemoteAddress, List<ProbeCall>> calls) {
        inside = Map.copyOf(calls);
        return this;
    }

    /** No {@link #room} for two jumps is longer: five branches of two bytes become six each. */
    public static final int MAX_ROOM_BYTES = 64;

    /** No stub with this many calls and displaced instructions is longer; where one may override, each counts as three. */
    public static int maxBytes(int calls, int insns) {
        return 120 + 40 * calls + 80 * insns;
    }

    /** Instructions that make room for others: moved instructions, jump to {@code back}. */
    public Stub room(List<X64Insn> displaced, RemoteAddress back) {
        return moveAndReturn(address, displaced, back, () -> {});
    }

    /**
     * A function entry: calls, moved instructions, jump to {@code back}. When a program says that the function shall not run,
     * those behind it run all the same, then those of its return, and it returns.
     */
    public Stub entry(FunctionCalls function, List<X64Insn> displaced, RemoteAddress back) {
        calls(function.kind(), function.entries());
        if (function.kind().interruptsAnything()) {
            leaveRedZone();
        }
        return moveAndReturn(entryOf(function.entries()), displaced, back, () -> overridden(function));
    }

    /**
     * The same for {@link ProbeKind#TESTED_ENTRY}: {@code active} is the word that is 0 while programs do not run. The test
     * is followed by what happens when they do: with thousands of sites, a branch that is not taken costs nothing.
     */
    public Stub entry(RemoteAddress active, FunctionCalls function, List<X64Insn> displaced, RemoteAddress back) {
        if (function.kind() != ProbeKind.TESTED_ENTRY
                || !canBeTested(function.entries().size())) {
            throw new IllegalArgumentException("no test for " + function);
        }
        this.active = Optional.of(active);
        calls(function.kind(), function.entries());
        out.bind(afterCalls);
        return moveAndReturn(entryOf(function.entries()), displaced, back, () -> overridden(function));
    }

    /** Whether a short jump goes over so many calls, each with its record and a jump out. */
    public static boolean canBeTested(int calls) {
        return calls <= 3;
    }

    private void jumpBack(List<X64Insn> displaced, RemoteAddress back) {
        if (displaced.isEmpty() || !displaced.getLast().kind().endsFlow()) {
            out.jmp(back.value());
        }
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
        return moveAndReturn(entryOf(calls), displaced, back, () -> {});
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

    /**
     * A function entry that asks first: when {@code decide}, called with the function's arguments, returns anything but 0, the
     * function returns at once.
     */
    public Stub guard(RemoteAddress decide, List<X64Insn> displaced, RemoteAddress back) {
        Label runs = new Label("runs");
        ARGUMENTS.forEach(out::push); // three words: the stack is aligned
        out.call(decide.value());
        ARGUMENTS.reversed().forEach(out::pop);
        out.test(OpSize.Q, Gpr.RAX, Gpr.RAX);
        out.jcc(Cond.E, runs);
        out.plain(Plain.RET);
        out.bind(runs);
        return moveAndReturn(address, displaced, back, () -> {});
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
        return moveAndReturn(
                entry, displaced, back, () -> overridden(new FunctionCalls(ProbeKind.ENTRY, entries, returns)));
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
        out.data64(call.functionIp().value() | (call.frame() == ProbeCall.Frame.BEGINS ? ThunkFrame.BEGINS : 0));
        out.data64(call.cookie());
    }

    private void calls(ProbeKind kind, List<ProbeCall> calls) {
        for (int i = 0; i < calls.size(); i++) {
            if (i > 0) {
                hopOverRecord();
            }
            record(calls.get(i));
            call(kind, calls.get(i), i == 0);
            if (calls.get(i).effect() == ProbeCall.Effect.MAY_OVERRIDE) {
                exit(kind, i);
            }
        }
    }

    /** Leaves when the call has said so. Where flags are live the test changes none; it uses the red zone. */
    private void exit(ProbeKind kind, int call) {
        Exit exit = new Exit(call, new Label("overridden by " + call));
        exits.add(exit);
        if (!kind.keepsFlags()) {
            out.jcc(Cond.B, exit.label());
            return;
        }
        Label next = new Label("runs after " + call);
        out.mov(OpSize.Q, Address.at(Gpr.RSP, -24), Gpr.RCX);
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP, -16));
        out.bytes(JRCXZ_OVER_MOV_AND_JMP);
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP, -24));
        out.jmp(next, Reach.SHORT);
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP, -24));
        out.jmp(exit.label());
        out.bind(next);
    }

    /** The rest of the entry's programs, those of the return, and the return. */
    private void overridden(FunctionCalls function) {
        if (exits.isEmpty()) {
            return;
        }
        otherCalls(function.kind(), function.entries());
        if (function.kind().interruptsAnything()) {
            leaveRedZone();
        }
        returnCalls(function.returns());
        out.plain(Plain.RET);
    }

    /** The calls behind those that have said that nothing else runs; what they say about it changes the result only. */
    private void otherCalls(ProbeKind kind, List<ProbeCall> calls) {
        for (Exit exit : exits) {
            int until = exits.indexOf(exit) + 1 < exits.size()
                    ? exits.get(exits.indexOf(exit) + 1).call()
                    : calls.size() - 1;
            out.bind(exit.label());
            for (ProbeCall call : calls.subList(exit.call() + 1, until + 1)) {
                hopOverRecord();
                record(call);
                call(kind, call, false);
            }
        }
    }

    /** The thunk finds the record at a fixed distance, so later calls have a no-operation where the first one skips. */
    private void call(ProbeKind kind, ProbeCall call, boolean first) {
        if (kind.interruptsAnything() && first) {
            out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -RED_ZONE));
        } else if (first && active.isPresent()) {
            out.op(Arith.CMP, OpSize.D, new Address.Absolute(active.get().value()), 0);
            out.jcc(Cond.E, afterCalls, Reach.SHORT);
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
        leaveRedZone();
    }

    private void leaveRedZone() {
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
        return insns.isEmpty()
                ? new Relocation.Done(List.of())
                : new Relocator(out).relocate(insns, insn -> callsAt(insn.address()));
    }

    private void callsAt(RemoteAddress displaced) {
        List<ProbeCall> calls = inside.getOrDefault(displaced, List.of());
        for (int i = 0; i < calls.size(); i++) {
            hopOverRecord();
            record(calls.get(i));
            call(ProbeKind.OFFSET, calls.get(i), i == 0);
        }
        if (!calls.isEmpty()) {
            leaveRedZone();
        }
    }

    private Stub moveAndReturn(RemoteAddress entry, List<X64Insn> displaced, RemoteAddress back, Runnable behind) {
        return switch (move(displaced)) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> {
                jumpBack(displaced, back);
                behind.run();
                yield written(entry, moved);
            }
        };
    }

    private Stub written(RemoteAddress entry, List<Relocation.Moved> moved) {
        return new Stub.Written(address, entry, Code.of(out.finish()), moved);
    }
}
