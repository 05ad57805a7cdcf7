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
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.Code;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Writes the stubs before and behind a {@code syscall} instruction, which stays where it is. The call itself overwrites
 * rcx and r11, so a stub may use rcx before it, and has it to itself behind it until it puts back what the call left there.
 */
public final class SyscallStubWriter {
    private static final int RED_ZONE = 128;
    private static final int RECORD_BYTES = 16;
    private static final int SYSCALL_BYTES = 2;

    /** The lowest eight bytes of the red zone, which no signal's handler changes: the number, and who has put it there. */
    private static final Address SLOT_NUMBER = Address.at(Gpr.RSP, -RED_ZONE);

    private static final Address SLOT_TAG = Address.at(Gpr.RSP, -RED_ZONE + Integer.BYTES);

    /** Where a thunk leaves 0 when what follows shall not run. */
    private static final Address RUNS = Address.at(Gpr.RSP, -16);

    /** So many tests that change no flag reach what is behind them. */
    private static final int NEAR_TESTS = 12;

    /** From so many numbers on, one test that most others pass comes before their own. */
    private static final int MANY = 3;

    private static final int CACHE_LINE = 64;

    /** The test of what was kept, and the jump back. */
    private static final int PASSING_BYTES = 8 + 6 + 5;

    private final X64Assembler out;
    private final RemoteAddress address;
    private final Flags flags;

    /**
     * A writer for one stub at {@code address}.
     *
     * @param flags those that come to the call, which are those that come out of it. Where they are dead, the thunks that
     *     the stub calls keep none, and say by the carry flag whether the call is made
     */
    public SyscallStubWriter(RemoteAddress address, Flags flags) {
        this.address = address;
        this.flags = flags;
        this.out = new X64Assembler(address.value());
    }

    /**
     * A program at a system call.
     *
     * @param record whether its thunk reads what is in front of the call
     * @param only the number that it is for, at places where every number may come; empty: every number
     */
    public record Call(ProbeCall call, SiteRecord record, OptionalInt only) {}

    /**
     * What the stub before a call keeps for the one behind it.
     *
     * @param tag tells it from what happens to lie there
     * @param only the numbers that programs behind the call are for; empty: every number
     */
    public record Handover(int tag, Set<Integer> only) {
        public Handover {
            only = Set.copyOf(only);
        }
    }

    /** How the stub behind a call knows its number. */
    public sealed interface Number {
        /** It is always the same. */
        record Constant(int value) implements Number {}

        /** The stub before the call has put it below the stack, with this tag. */
        record Kept(int tag, Ways ways) implements Number {}
    }

    /** What leads to the code behind a call. */
    public enum Ways {
        /** The call, so rcx is what it left there. */
        CALL,
        /** Branches too, with anything in rcx. */
        BRANCHES
    }

    /**
     * What runs behind a call.
     *
     * @param end the address that the call returns to, which is in rcx then
     */
    public record After(List<Call> calls, Number number, RemoteAddress end) {
        public After {
            calls = List.copyOf(calls);
        }
    }

    /** No stub with this many programs and displaced instructions is longer. */
    public static int maxBytes(int calls, int insns) {
        return 192 + 120 * calls + 40 * insns;
    }

    /**
     * Before the call: moved instructions, programs, jump to the call. Calls that nobody has a program for go on after one
     * comparison for each number. Programs that may override the call run last, up to the first that does: the call is left
     * out then, and its result is in rax behind it.
     *
     * @param kept what to keep, when the stub behind the call asks for it
     * @param back the call
     */
    public Stub enter(List<Call> calls, Optional<Handover> kept, List<X64Insn> displaced, RemoteAddress back) {
        Relocation relocation = new Relocator(out).relocate(displaced);
        enter(calls, kept, back);
        return written(address, relocation);
    }

    private void enter(List<Call> calls, Optional<Handover> kept, RemoteAddress back) {
        letOthersPass(wanted(calls, kept), kept, back);
        kept.ifPresent(handover -> {
            out.mov(OpSize.D, SLOT_NUMBER, Gpr.RAX);
            out.mov(OpSize.D, SLOT_TAG, handover.tag());
        });
        run(calls, () -> {
            putBack(back.plus(SYSCALL_BYTES));
            out.jmp(back.value() + SYSCALL_BYTES);
        });
        out.jmp(back.value());
    }

    /** @param leaveOut goes on behind the call */
    private void run(List<Call> calls, Runnable leaveOut) {
        for (ProbeCall.Effect effect : ProbeCall.Effect.values()) {
            calls.stream().filter(call -> call.call().effect() == effect).forEach(call -> enter(call, leaveOut));
        }
    }

    /**
     * Around a call of a constant number that nothing but a {@code ret} is behind: moved instructions, programs, jump to the
     * call, whose {@code ret} returns to this stub; then the programs behind it and the return. The return address is kept
     * meanwhile as that of a wrapped function.
     */
    public Stub around(
            List<Call> before,
            After after,
            ReturnRoutines.Addresses routines,
            List<X64Insn> displaced,
            RemoteAddress back) {
        Number.Constant number = (Number.Constant) after.number();
        Label call = new Label("call");
        Label behind = new Label("behind");
        Relocation relocation = new Relocator(out).relocate(displaced);
        run(before, () -> out.jmp(behind));
        out.call(routines.claim().value());
        out.jcc(Cond.NE, call);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, Long.BYTES));
        out.call(call);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -Long.BYTES));
        out.call(routines.release().value());
        out.bind(behind);
        out.mov(OpSize.D, (RegMem) Gpr.RCX, number.value());
        after.calls().forEach(this::exit);
        putBack(after.end());
        out.plain(Plain.RET);
        out.bind(call);
        out.jmp(back.value());
        return written(address, relocation);
    }

    /** The numbers that something is to be done for; empty: every number. */
    private static Set<Integer> wanted(List<Call> calls, Optional<Handover> kept) {
        boolean every = calls.stream().anyMatch(call -> call.only().isEmpty())
                || kept.filter(handover -> handover.only().isEmpty()).isPresent();
        Set<Integer> wanted = new TreeSet<>();
        if (!every) {
            calls.forEach(call -> wanted.add(call.only().orElseThrow()));
            kept.ifPresent(handover -> wanted.addAll(handover.only()));
        }
        return wanted;
    }

    /** Calls of other numbers go on, and leave no number of an earlier call behind. */
    private void letOthersPass(Set<Integer> wanted, Optional<Handover> kept, RemoteAddress back) {
        if (wanted.isEmpty() || flags == Flags.LIVE && wanted.size() > NEAR_TESTS) {
            return;
        }
        Label found = new Label("found");
        if (flags == Flags.DEAD && wanted.size() >= MANY) {
            Label maybe = new Label("maybe");
            Label others = new Label("others");
            out.movabs(Gpr.RCX, bits(wanted));
            out.bt(OpSize.Q, Gpr.RCX, Gpr.RAX);
            out.jcc(Cond.B, maybe, Reach.SHORT);
            out.bind(others);
            pass(kept, back);
            out.bind(maybe);
            tests(wanted, found);
            out.jmp(others);
        } else {
            tests(wanted, found);
            pass(kept, back);
        }
        out.bind(found);
    }

    /** The last six bits of each number say which bit is set: what finds none is none of the numbers. */
    private static long bits(Set<Integer> numbers) {
        long bits = 0;
        for (int number : numbers) {
            bits |= 1L << number;
        }
        return bits;
    }

    private void tests(Set<Integer> numbers, Label found) {
        for (int number : numbers) {
            switch (flags) {
                case LIVE -> {
                    out.lea(OpSize.D, Gpr.RCX, Address.at(Gpr.RAX, -number));
                    out.jrcxz(found);
                }
                case DEAD -> {
                    out.op(Arith.CMP, OpSize.D, (RegMem) Gpr.RAX, number);
                    out.jcc(Cond.E, found);
                }
            }
        }
    }

    private void pass(Optional<Handover> kept, RemoteAddress back) {
        if (kept.isPresent()) {
            out.mov(OpSize.D, SLOT_TAG, 0);
        }
        out.jmp(back.value());
    }

    private void enter(Call call, Runnable leaveOut) {
        Label next = new Label("next");
        call.only().ifPresent(number -> {
            switch (flags) {
                case LIVE -> {
                    out.lea(OpSize.D, Gpr.RCX, Address.at(Gpr.RAX, -number));
                    unlessZero(next);
                }
                case DEAD -> unless(Gpr.RAX, number, next);
            }
        });
        run(call);
        if (call.call().effect() == ProbeCall.Effect.MAY_OVERRIDE) {
            leaveOut(next, leaveOut);
        }
        out.bind(next);
    }

    private void unless(Gpr register, int number, Label label) {
        out.op(Arith.CMP, OpSize.D, (RegMem) register, number);
        out.jcc(Cond.NE, label);
    }

    private void leaveOut(Label runs, Runnable leaveOut) {
        switch (flags) {
            case LIVE -> unlessZero(runs);
            case DEAD -> out.jcc(Cond.AE, runs);
        }
        leaveOut.run();
    }

    /**
     * Behind the call: programs, moved instructions, jump to {@code back}.
     *
     * @param end the address that the call returns to, which is in rcx then
     */
    public Stub exit(List<Call> calls, Number number, RemoteAddress end, List<X64Insn> displaced, RemoteAddress back) {
        return exit(calls, number, end, displaced, () -> {
            if (!displaced.getLast().kind().endsFlow()) {
                out.jmp(back.value());
            }
        });
    }

    /**
     * Between two calls: programs behind the first, moved instructions, programs before the second, jump to the second.
     *
     * @param second those before the second call
     * @param kept what to keep for the stub behind the second call
     * @param back the second call
     */
    public Stub between(
            After first, List<Call> second, Optional<Handover> kept, List<X64Insn> displaced, RemoteAddress back) {
        return exit(first.calls(), first.number(), first.end(), displaced, () -> enter(second, kept, back));
    }

    private Stub exit(List<Call> calls, Number number, RemoteAddress end, List<X64Insn> displaced, Runnable goOn) {
        return switch (number) {
            case Number.Constant(int value) -> {
                out.mov(OpSize.D, (RegMem) Gpr.RCX, value);
                calls.forEach(this::exit);
                putBack(end);
                Relocation relocation = new Relocator(out).relocate(displaced);
                goOn.run();
                yield written(address, relocation);
            }
            case Number.Kept kept -> {
                Label found = new Label("found");
                Label done = new Label("done");
                RemoteAddress entry = unlessKept(kept, found, end, displaced);
                out.bind(done);
                Relocation relocation = new Relocator(out).relocate(displaced);
                goOn.run();
                out.bind(found);
                out.mov(OpSize.D, SLOT_TAG, 0);
                out.movsx(OpSize.D, OpSize.Q, Gpr.RCX, SLOT_NUMBER);
                calls.forEach(this::exit);
                putBack(end);
                out.jmp(done);
                yield written(entry, relocation);
            }
        };
    }

    /** Goes on behind this, with rcx as it was, unless a number was kept. @return where that begins */
    private RemoteAddress unlessKept(Number.Kept kept, Label found, RemoteAddress end, List<X64Insn> displaced) {
        return switch (flags) {
            case LIVE ->
                switch (kept.ways()) {
                    case CALL -> unlessKeptByCall(kept.tag(), found, end);
                    case BRANCHES -> unlessKept(kept.tag(), found);
                };
            case DEAD -> {
                inOneLine(PASSING_BYTES
                        + displaced.stream().mapToInt(X64Insn::length).sum());
                RemoteAddress entry = new RemoteAddress(out.here());
                out.op(Arith.CMP, OpSize.D, SLOT_TAG, kept.tag());
                out.jcc(Cond.E, found);
                yield entry;
            }
        };
    }

    private RemoteAddress unlessKeptByCall(int tag, Label found, RemoteAddress end) {
        Label near = new Label("near");
        out.bind(near);
        out.jmp(found);
        RemoteAddress entry = new RemoteAddress(out.here());
        out.mov(OpSize.D, Gpr.RCX, SLOT_TAG);
        out.lea(OpSize.D, Gpr.RCX, Address.at(Gpr.RCX, -tag));
        out.jrcxz(near);
        putBack(end);
        return entry;
    }

    /** What came by a branch has something of its own in rcx, which goes below the red zone meanwhile. */
    private RemoteAddress unlessKept(int tag, Label found) {
        int below = RED_ZONE + Long.BYTES;
        Label near = new Label("near");
        out.bind(near);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, below));
        out.jmp(found);
        RemoteAddress entry = new RemoteAddress(out.here());
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -below));
        out.mov(OpSize.Q, Address.at(Gpr.RSP), Gpr.RCX);
        out.mov(OpSize.D, Gpr.RCX, Address.at(Gpr.RSP, Long.BYTES + Integer.BYTES));
        out.lea(OpSize.D, Gpr.RCX, Address.at(Gpr.RCX, -tag));
        out.jrcxz(near);
        out.mov(OpSize.Q, Gpr.RCX, Address.at(Gpr.RSP));
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, below));
        return entry;
    }

    /** What comes out of the kernel finds no instruction read ahead: one line of the cache is there sooner than two. */
    private void inOneLine(int bytes) {
        boolean crosses = (out.here() & CACHE_LINE - 1) + bytes > CACHE_LINE;
        if (crosses && bytes <= CACHE_LINE) {
            out.align(CACHE_LINE);
        }
    }

    /** What the call leaves in rcx. */
    private void putBack(RemoteAddress end) {
        out.lea(OpSize.Q, Gpr.RCX, new Address.Absolute(end.value()));
    }

    private Stub written(RemoteAddress entry, Relocation relocation) {
        return switch (relocation) {
            case Relocation.Refused refused -> new Stub.Refused(refused);
            case Relocation.Done(var moved) -> new Stub.Written(address, entry, Code.of(out.finish()), moved);
        };
    }

    private void exit(Call call) {
        Label next = new Label("next");
        call.only().ifPresent(number -> {
            if (flags == Flags.DEAD) {
                unless(Gpr.RCX, number, next);
                return;
            }
            Label restored = new Label("restored");
            Label other = new Label("other");
            out.lea(OpSize.Q, Gpr.RCX, Address.at(Gpr.RCX, -number));
            unlessZero(other);
            out.mov(OpSize.D, (RegMem) Gpr.RCX, number);
            out.jmp(restored);
            out.bind(other);
            out.lea(OpSize.Q, Gpr.RCX, Address.at(Gpr.RCX, number));
            out.jmp(next);
            out.bind(restored);
        });
        run(call);
        out.bind(next);
    }

    /** A jump, flags unchanged, unless rcx is zero. */
    private void unlessZero(Label label) {
        Label zero = new Label("zero");
        out.jrcxz(zero);
        out.jmp(label, Reach.NEAR);
        out.bind(zero);
    }

    /** Below the red zone; the thunk finds the record in front of it. */
    private void run(Call wanted) {
        ProbeCall call = wanted.call();
        if (wanted.record() == SiteRecord.READ) {
            out.bytes(new byte[] {(byte) 0xeb, RECORD_BYTES});
            out.data64(call.functionIp().value());
            out.data64(call.cookie());
        }
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -RED_ZONE));
        out.call(call.thunk().value());
        if (call.effect() == ProbeCall.Effect.MAY_OVERRIDE && flags == Flags.LIVE) {
            out.mov(OpSize.Q, Gpr.RCX, RUNS);
        }
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, RED_ZONE));
    }
}
