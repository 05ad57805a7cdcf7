package graft.rewriter.stub;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.Machine.State;
import graft.rewriter.stub.SyscallStubWriter.Call;
import graft.rewriter.stub.SyscallStubWriter.Handover;
import graft.rewriter.stub.SyscallStubWriter.Number;
import graft.rewriter.stub.SyscallStubWriter.Ways;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Real system calls with random registers, compared with the same calls without stubs around them. */
class SyscallStubExecutionTest {
    private static final int RUNS = 300;
    private static final int GETPPID = 110;
    private static final int GETUID = 102;
    private static final int NONE = 0x7fff;
    private static final int TAG = 0x5eed_1235;
    private static final Number KEPT = new Number.Kept(TAG, Ways.CALL);
    private static final int COPY = 0x2000;
    private static final int ORIG_RAX = 15;
    private static final int RIP = 16;
    private static final int RSP = 19;
    private static final List<Gpr> ARGUMENTS = List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.R10, Gpr.R8, Gpr.R9);

    /** Places of the arguments in {@code struct pt_regs}. */
    private static final List<Integer> ARGUMENT_FIELDS = List.of(14, 13, 12, 7, 9, 8);

    private final Machine machine = new Machine();
    private final SplittableRandom random = new SplittableRandom(11);

    @AfterEach
    void unmap() {
        machine.close();
    }

    /** A function that makes one call, and its instructions. */
    private record Caller(long address, List<X64Insn> before, long call, List<X64Insn> behind, Flags flags) {
        RemoteAddress end() {
            return new RemoteAddress(call + 2);
        }
    }

    /** Calls {@code number}, or, without, what it finds in rbx. It keeps something of its own in its red zone. */
    private Caller caller(OptionalInt number) {
        return caller(number, Flags.LIVE);
    }

    /** The same; where flags are dead, it compares behind the call. */
    private Caller caller(OptionalInt number, Flags flags) {
        long[] places = new long[3];
        byte[][] code = new byte[1][];
        long address = machine.text(out -> {
            out.mov(OpSize.Q, Address.at(Gpr.RSP, -120), Gpr.RDI);
            places[0] = out.here();
            if (number.isPresent()) {
                out.mov(OpSize.D, (RegMem) Gpr.RAX, number.getAsInt());
            } else {
                out.mov(OpSize.Q, (RegMem) Gpr.RAX, Gpr.RBX);
                out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RSI, Gpr.RDX);
            }
            places[1] = out.here();
            out.bytes(new byte[] {0x0f, 0x05});
            places[2] = out.here();
            if (flags == Flags.DEAD) {
                out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RDI, 0x1000);
            }
            out.mov(OpSize.Q, Gpr.RBP, Address.at(Gpr.RSP, -120));
            out.nop(4);
            out.plain(Plain.RET);
            code[0] = out.finish();
        });
        List<X64Insn> insns = new ArrayList<>();
        int at = 0;
        while (at < code[0].length) {
            X64Insn insn = (X64Insn) X64Decoder.decode(code[0], at, new RemoteAddress(address + at));
            insns.add(insn);
            at += insn.length();
        }
        return new Caller(
                address,
                insns.stream()
                        .filter(insn -> insn.address().value() >= places[0]
                                && insn.address().value() < places[1])
                        .toList(),
                places[1],
                insns.stream()
                        .filter(insn -> insn.address().value() == places[2])
                        .toList(),
                flags);
    }

    private static Optional<Handover> kept(Integer... only) {
        return Optional.of(new Handover(TAG, Set.of(only)));
    }

    private void enter(Caller caller, Optional<Handover> kept, Call... calls) {
        RemoteAddress at = machine.nextInPool();
        Stub stub = new SyscallStubWriter(at, caller.flags())
                .enter(List.of(calls), kept, caller.before(), new RemoteAddress(caller.call()));
        install(caller.before().getFirst(), (Stub.Written) stub);
    }

    private void exit(Caller caller, Number number, Call... calls) {
        RemoteAddress at = machine.nextInPool();
        Stub stub = new SyscallStubWriter(at, caller.flags())
                .exit(
                        List.of(calls),
                        number,
                        caller.end(),
                        caller.behind(),
                        caller.behind().getLast().end());
        install(caller.behind().getFirst(), (Stub.Written) stub);
    }

    private void install(X64Insn site, Stub.Written stub) {
        machine.putInPool(stub.code().bytes());
        machine.patch(site.address().value(), stub.entry());
    }

    private State randomState(long rbx) {
        long[] registers = new long[16];
        for (int i = 0; i < registers.length; i++) {
            registers[i] = random.nextLong();
        }
        registers[Gpr.RBX.number()] = rbx;
        return new State(registers, random.nextLong(), new long[0]);
    }

    /** Where flags are dead, the call leaves others in r11. */
    private void assertUnchangedBy(Caller caller, long rbx, Runnable install, Flags flags) {
        assertUnchangedBy(caller, rbx, install, flags == Flags.DEAD ? Set.of(Gpr.R11) : Set.of());
    }

    private void assertUnchangedBy(Caller caller, long rbx, Runnable install) {
        assertUnchangedBy(caller, rbx, install, Set.of());
    }

    private void assertUnchangedBy(Caller caller, long rbx, Runnable install, Set<Gpr> but) {
        List<State> ins =
                IntStream.range(0, RUNS).mapToObj(_ -> randomState(rbx)).toList();
        List<State> expected =
                ins.stream().map(in -> machine.call(caller.address(), in)).toList();
        install.run();
        for (int i = 0; i < RUNS; i++) {
            State out = machine.call(caller.address(), ins.get(i));
            assertThat(without(but, out)).isEqualTo(without(but, expected.get(i)));
            assertThat(out.flags()).isEqualTo(expected.get(i).flags());
            assertThat(out.vectors()).isEqualTo(expected.get(i).vectors());
        }
    }

    /** This thread's stack is as deep as it is; the machine looks at the pointer itself. */
    private static long[] withoutStack(State state) {
        long[] registers = state.registers().clone();
        registers[Gpr.RSP.number()] = 0;
        return registers;
    }

    private static long[] without(Set<Gpr> some, State state) {
        long[] registers = withoutStack(state);
        some.forEach(register -> registers[register.number()] = 0);
        return registers;
    }

    private static BitSet words(int count) {
        BitSet words = new BitSet();
        words.set(0, count);
        return words;
    }

    private static Call every(ProbeCall call) {
        return only(call, OptionalInt.empty());
    }

    private static Call only(ProbeCall call, OptionalInt number) {
        return new Call(call, SiteRecord.READ, number);
    }

    /** As the planner asks for it: a thunk that keeps flags only where they are live. */
    private static Call at(Caller caller, Recorder recorder, ProbeKind kind, OptionalInt number) {
        return recorder.call(new ThunkKind(kind, StackUse.THREAD, caller.flags()), caller.end(), 0, number);
    }

    @Test
    void recordsShowNumberArgumentsAndResult() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        Recorder before = new Recorder(machine, 0, words(8), Recorder.callerSaved());
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        assertUnchangedBy(caller, 0, () -> {
            enter(caller, Optional.empty(), every(before.call(ProbeKind.SYSCALL_ENTER, caller.end(), 9)));
            exit(
                    caller,
                    new Number.Constant(GETPPID),
                    every(behind.call(ProbeKind.SYSCALL_EXIT, caller.end(), 8)),
                    every(behind.call(ProbeKind.SYSCALL_EXIT, caller.end(), 7)));
        });
        State in = randomState(0);
        State out = machine.call(caller.address(), in);
        assertThat(before.count()).isEqualTo(RUNS + 1);
        assertThat(List.of(before.field(0), before.field(1))).containsExactly(0L, (long) GETPPID);
        for (int i = 0; i < ARGUMENTS.size(); i++) {
            assertThat(before.field(2 + i)).isEqualTo(in.get(ARGUMENTS.get(i)));
        }
        assertThat(before.cookie()).isEqualTo(9);
        assertThat(before.stack() & 15).isEqualTo(8);
        assertThat(behind.count()).isEqualTo(2 * RUNS + 2);
        assertThat(List.of(behind.field(0), behind.field(1), behind.field(2)))
                .containsExactly(0L, (long) GETPPID, out.get(Gpr.RAX));
        assertThat(behind.cookie()).isEqualTo(7);
    }

    @Test
    void aCallOfAnyNumberRunsTheProgramsOfItsNumberOnly() {
        Caller caller = caller(OptionalInt.empty());
        Recorder parent = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        Recorder user = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        Recorder each = new Recorder(machine, 2, words(3), Recorder.callerSaved());
        assertUnchangedBy(caller, GETUID, () -> {
            enter(
                    caller,
                    kept(),
                    only(parent.call(ProbeKind.SYSCALL_ENTER, caller.end(), 0), OptionalInt.of(GETPPID)),
                    only(user.call(ProbeKind.SYSCALL_ENTER, caller.end(), 0), OptionalInt.of(GETUID)));
            exit(
                    caller,
                    KEPT,
                    only(parent.call(ProbeKind.SYSCALL_EXIT, caller.end(), 0), OptionalInt.of(GETPPID)),
                    only(user.call(ProbeKind.SYSCALL_EXIT, caller.end(), 0), OptionalInt.of(GETUID)),
                    every(each.call(ProbeKind.SYSCALL_EXIT, caller.end(), 0)));
        });
        assertThat(List.of(parent.count(), user.count(), each.count())).containsExactly(0L, 2L * RUNS, (long) RUNS);
        long withGarbage = 0xffff_ffff_0000_0000L | GETPPID;
        State out = machine.call(caller.address(), randomState(withGarbage));
        assertThat(List.of(parent.count(), user.count(), each.count())).containsExactly(2L, 2L * RUNS, RUNS + 1L);
        assertThat(List.of(each.field(1), each.field(2))).containsExactly((long) GETPPID, out.get(Gpr.RAX));
        machine.call(caller.address(), randomState(NONE));
        assertThat(List.of(parent.count(), user.count(), each.count())).containsExactly(2L, 2L * RUNS, RUNS + 2L);
        assertThat(each.field(1)).isEqualTo(NONE);
        machine.call(caller.address(), randomState(-5));
        assertThat(each.field(1)).isEqualTo(-5);
    }

    @ParameterizedTest
    @EnumSource
    void callsThatNobodyAsksForPassTheOthers(Flags flags) {
        Caller caller = caller(OptionalInt.empty(), flags);
        Recorder before = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        Recorder other = new Recorder(machine, 2, words(3), Recorder.callerSaved());
        Runnable install = () -> {
            enter(caller, kept(GETPPID, NONE, 1), at(caller, before, ProbeKind.SYSCALL_ENTER, OptionalInt.of(GETPPID)));
            exit(
                    caller,
                    KEPT,
                    at(caller, behind, ProbeKind.SYSCALL_EXIT, OptionalInt.of(GETPPID)),
                    at(caller, other, ProbeKind.SYSCALL_EXIT, OptionalInt.of(NONE)));
        };
        assertUnchangedBy(caller, GETUID, install, flags);
        assertThat(List.of(before.count(), behind.count(), other.count())).containsOnly(0L);

        State asked = machine.call(caller.address(), randomState(GETPPID));
        assertThat(List.of(before.count(), behind.count(), other.count())).containsExactly(1L, 1L, 0L);
        assertThat(List.of(behind.field(1), behind.field(2))).containsExactly((long) GETPPID, asked.get(Gpr.RAX));
        machine.call(caller.address(), randomState(NONE));
        assertThat(List.of(before.count(), behind.count(), other.count())).containsExactly(1L, 1L, 1L);
    }

    /** The second is known by a constant, the first by what the stub before it has kept. */
    @ParameterizedTest
    @EnumSource
    void twoCallsShareTheStubBetweenThem(Flags flags) {
        List<X64Insn> insns = twoCalls(flags);
        X64Insn call = insns.get(2);
        int behindSecond = flags == Flags.DEAD ? 2 : 1;
        List<X64Insn> between = insns.subList(3, insns.size() - behindSecond - 1);
        X64Insn second = insns.get(insns.size() - behindSecond - 1);
        Recorder behind = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        Recorder before = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        Caller caller = new Caller(
                insns.getFirst().address().value(),
                insns.subList(0, 2),
                call.address().value(),
                between,
                flags);
        Runnable install = () -> {
            enter(caller, kept());
            SyscallStubWriter.After after = new SyscallStubWriter.After(
                    List.of(at(caller, behind, ProbeKind.SYSCALL_EXIT, OptionalInt.empty())), KEPT, call.end());
            List<Call> next = List.of(at(caller, before, ProbeKind.SYSCALL_ENTER, OptionalInt.empty()));
            Stub shared = new SyscallStubWriter(machine.nextInPool(), flags)
                    .between(after, next, Optional.empty(), between, second.address());
            install(between.getFirst(), (Stub.Written) shared);
        };
        assertUnchangedBy(caller, GETUID, install, flags);
        assertThat(List.of(behind.count(), before.count())).containsOnly((long) RUNS);
        State out = machine.call(caller.address(), randomState(GETPPID));
        assertThat(List.of(behind.field(1), behind.field(2))).containsExactly((long) GETPPID, out.get(Gpr.RBP));
        assertThat(before.field(1)).isEqualTo(GETUID);
    }

    /** The number in rbx, then {@code getuid}; the first result goes to rbp. */
    private List<X64Insn> twoCalls(Flags flags) {
        byte[][] code = new byte[1][];
        long address = machine.text(out -> {
            out.mov(OpSize.Q, (RegMem) Gpr.RAX, Gpr.RBX);
            out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RSI, Gpr.RDX);
            out.bytes(new byte[] {0x0f, 0x05});
            if (flags == Flags.DEAD) {
                out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RDI, 0x1000);
            }
            out.mov(OpSize.Q, (RegMem) Gpr.RBP, Gpr.RAX);
            out.mov(OpSize.D, (RegMem) Gpr.RAX, GETUID);
            out.bytes(new byte[] {0x0f, 0x05});
            if (flags == Flags.DEAD) {
                out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RDI, 0x1000);
            }
            out.plain(Plain.RET);
            code[0] = out.finish();
        });
        List<X64Insn> insns = new ArrayList<>();
        int at = 0;
        while (at < code[0].length) {
            X64Insn insn = (X64Insn) X64Decoder.decode(code[0], at, new RemoteAddress(address + at));
            insns.add(insn);
            at += insn.length();
        }
        return insns;
    }

    /** A number that a call has left, which its thread did not come back from, is not the next call's. */
    @ParameterizedTest
    @EnumSource
    void aCallThatPassesLeavesNoNumberOfAnEarlierOne(Flags flags) {
        Caller caller = caller(OptionalInt.empty(), flags);
        Recorder behind = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        enter(caller, kept(GETPPID));
        machine.call(caller.address(), randomState(GETPPID));
        exit(caller, KEPT, at(caller, behind, ProbeKind.SYSCALL_EXIT, OptionalInt.of(GETPPID)));
        machine.call(caller.address(), randomState(GETUID));
        assertThat(behind.count()).isZero();
        machine.call(caller.address(), randomState(GETPPID));
        assertThat(behind.count()).isOne();
    }

    /** Where flags are dead the number that passes is one of those that the first test cannot tell from the others. */
    @ParameterizedTest
    @EnumSource
    void moreNumbersThanAShortJumpReachesAreTestedOneAfterTheOther(Flags flags) {
        Caller caller = caller(OptionalInt.empty(), flags);
        Recorder behind = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        Integer[] many = IntStream.range(GETPPID, GETPPID + 60).boxed().toArray(Integer[]::new);
        Runnable install = () -> {
            enter(caller, kept(many));
            exit(caller, KEPT, at(caller, behind, ProbeKind.SYSCALL_EXIT, OptionalInt.of(GETPPID)));
        };
        assertUnchangedBy(caller, GETUID, install, flags);
        assertThat(behind.count()).isZero();
        machine.call(caller.address(), randomState(GETPPID));
        assertThat(behind.count()).isOne();
    }

    @Test
    void anExitWithoutItsEnterIsNotShown() {
        Caller caller = caller(OptionalInt.empty());
        Recorder each = new Recorder(machine, 0, words(3), Recorder.callerSaved());
        assertUnchangedBy(
                caller, GETUID, () -> exit(caller, KEPT, every(each.call(ProbeKind.SYSCALL_EXIT, caller.end(), 0))));
        assertThat(each.count()).isZero();
    }

    /** Copies its context's words, and the registers that one of them leads to. */
    private ProgramEntry copier(int pointerWord, int words) {
        RemoteAddress program = machine.pool(out -> {
            for (int i = 0; i < words; i++) {
                copy(out, Gpr.RDI, i, COPY);
            }
            out.mov(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 8 * pointerWord));
            for (int i = 0; i < ProgramEntry.CONTEXT_WORDS; i++) {
                copy(out, Gpr.RDI, i, COPY + 0x100);
            }
            Recorder.callerSaved().forEach(register -> out.mov(register, 0xbad));
            out.plain(Plain.RET);
        });
        return new ProgramEntry(program, Recorder.callerSaved(), words(words), EnumSet.noneOf(ProgramEntry.Use.class));
    }

    private void copy(X64Assembler out, Gpr from, int word, int to) {
        out.mov(OpSize.Q, Gpr.RAX, Address.at(from, 8 * word));
        out.mov(OpSize.Q, machine.scratch(to + 8 * word), Gpr.RAX);
    }

    private Call call(ProgramEntry program, ProbeKind kind, Caller caller) {
        RemoteAddress thunk = machine.nextInPool();
        ThunkWriter.Written written = new ThunkWriter(machine.runtime())
                .write(thunk, new ThunkKind(kind, StackUse.THREAD, caller.flags()), program);
        machine.putInPool(written.code().bytes());
        boolean overrides = program.uses().contains(ProgramEntry.Use.OVERRIDE);
        ProbeCall.Effect effect = overrides ? ProbeCall.Effect.MAY_OVERRIDE : ProbeCall.Effect.NONE;
        return new Call(new ProbeCall(thunk, caller.end(), 0, effect), written.record(), OptionalInt.empty());
    }

    private long word(int index) {
        return machine.word(COPY + 8 * index);
    }

    private long register(int field) {
        return machine.word(COPY + 0x100 + 8 * field);
    }

    private void assertArgumentsShown(State in) {
        for (int i = 0; i < ARGUMENTS.size(); i++) {
            assertThat(register(ARGUMENT_FIELDS.get(i))).isEqualTo(in.get(ARGUMENTS.get(i)));
        }
    }

    @Test
    void aRawTracepointBeforeTheCallLeadsToItsRegisters() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        assertUnchangedBy(
                caller,
                0,
                () -> enter(caller, Optional.empty(), call(copier(0, 2), ProbeKind.SYSCALL_ENTER_RAW, caller)));
        State in = randomState(0);
        State out = machine.call(caller.address(), in);
        assertThat(word(1)).isEqualTo(GETPPID);
        assertArgumentsShown(in);
        assertThat(List.of(register(ORIG_RAX), register(10), register(RIP), register(11)))
                .containsExactly(
                        (long) GETPPID, -38L, caller.end().value(), caller.end().value());
        assertThat(register(RSP)).isEqualTo(out.get(Gpr.RSP) - 8);
    }

    @Test
    void aRawTracepointBehindTheCallLeadsToItsRegisters() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        assertUnchangedBy(
                caller,
                0,
                () -> exit(
                        caller, new Number.Constant(GETPPID), call(copier(0, 2), ProbeKind.SYSCALL_EXIT_RAW, caller)));
        State in = randomState(0);
        State out = machine.call(caller.address(), in);
        assertThat(word(1)).isEqualTo(out.get(Gpr.RAX));
        assertArgumentsShown(in);
        assertThat(List.of(register(ORIG_RAX), register(10), register(RIP), register(11)))
                .containsExactly(
                        (long) GETPPID,
                        out.get(Gpr.RAX),
                        caller.end().value(),
                        caller.end().value());
    }

    @Test
    void theKernelsFunctionHasTheRegistersAsItsArgument() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        assertUnchangedBy(
                caller,
                0,
                () -> enter(caller, Optional.empty(), call(copier(14, 21), ProbeKind.SYSCALL_ENTER_WRAPPED, caller)));
        State in = randomState(0);
        machine.call(caller.address(), in);
        assertArgumentsShown(in);
        assertThat(register(ORIG_RAX)).isEqualTo(GETPPID);
    }

    @Test
    void registersBehindTheCallHaveTheResult() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        Recorder behind = Recorder.curious(machine, 0);
        assertUnchangedBy(
                caller,
                0,
                () -> exit(
                        caller,
                        new Number.Constant(GETPPID),
                        every(behind.call(ProbeKind.SYSCALL_EXIT_REGISTERS, caller.end(), 3))));
        State out = machine.call(caller.address(), randomState(0));
        assertThat(behind.field(10)).isEqualTo(out.get(Gpr.RAX));
        assertThat(behind.cookie()).isEqualTo(3);
    }

    @Test
    void onAPoolStackEverythingIsTheSame() {
        Caller caller = caller(OptionalInt.of(GETPPID));
        Recorder before = new Recorder(machine, 0, words(8), Recorder.callerSaved());
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        assertUnchangedBy(caller, 0, () -> {
            enter(caller, Optional.empty(), every(before.callOnPoolStack(ProbeKind.SYSCALL_ENTER, caller.end(), 9)));
            exit(
                    caller,
                    new Number.Constant(GETPPID),
                    every(behind.callOnPoolStack(ProbeKind.SYSCALL_EXIT, caller.end(), 8)),
                    every(behind.callOnPoolStack(ProbeKind.SYSCALL_EXIT, caller.end(), 7)));
        });
        assertThat(before.count()).isEqualTo(RUNS);
        assertThat(behind.count()).isEqualTo(2 * RUNS);
        assertThat(behind.field(1)).isEqualTo(GETPPID);
    }

    /** A program that counts, calls nothing and looks at nothing but the number. */
    private Call counting(Caller caller, ProbeKind kind, int counter) {
        RemoteAddress program = machine.pool(out -> {
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, 8));
            out.op(Arith.ADD, OpSize.Q, machine.scratch(counter), Gpr.RAX);
            out.plain(Plain.RET);
        });
        BitSet number = new BitSet();
        number.set(1);
        ProgramEntry entry = new ProgramEntry(program, Set.of(Gpr.RAX), number, Set.of());
        Call call = call(entry, kind, caller);
        assertThat(call.record()).isEqualTo(SiteRecord.UNREAD);
        return call;
    }

    @ParameterizedTest
    @EnumSource
    void aProgramThatNeedsNoRecordAndNoAlignedStackRunsWithoutThem(Flags flags) {
        Caller caller = caller(OptionalInt.of(GETPPID), flags);
        Runnable install = () -> {
            enter(caller, Optional.empty(), counting(caller, ProbeKind.SYSCALL_ENTER, 0x1800));
            Call first = counting(caller, ProbeKind.SYSCALL_EXIT, 0x1808);
            exit(caller, new Number.Constant(GETPPID), first, counting(caller, ProbeKind.SYSCALL_EXIT, 0x1810));
        };
        assertUnchangedBy(caller, 0, install, flags);
        assertThat(List.of(machine.word(0x1800), machine.word(0x1808), machine.word(0x1810)))
                .containsOnly((long) RUNS * GETPPID);
    }

    /** A program that lets {@code getppid} return -13 without being made, and everything else be made. */
    private ProgramEntry denying() {
        RemoteAddress program = machine.pool(out -> {
            Label made = new Label("made");
            out.op(Arith.CMP, OpSize.D, Address.at(Gpr.RDI, 8), GETPPID);
            out.jcc(Cond.NE, made);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, ThunkFrame.RESULT), -13);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, ThunkFrame.RUNS), 0);
            out.bind(made);
            Recorder.callerSaved().forEach(register -> out.mov(register, 0xbad));
            out.plain(Plain.RET);
        });
        return new ProgramEntry(program, Recorder.callerSaved(), words(2), EnumSet.of(ProgramEntry.Use.OVERRIDE));
    }

    @ParameterizedTest
    @EnumSource
    void aCallThatIsOverriddenIsNotMadeAndReturnsTheProgramsResult(Flags flags) {
        Caller caller = caller(OptionalInt.empty(), flags);
        Recorder before = new Recorder(machine, 0, words(8), Recorder.callerSaved());
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        State in = randomState(GETPPID);
        State made = machine.call(caller.address(), in);
        Runnable install = () -> {
            Call after = at(caller, before, ProbeKind.SYSCALL_ENTER, OptionalInt.empty());
            enter(caller, kept(), call(denying(), ProbeKind.SYSCALL_ENTER, caller), after);
            exit(caller, KEPT, at(caller, behind, ProbeKind.SYSCALL_EXIT, OptionalInt.empty()));
        };
        assertUnchangedBy(caller, GETUID, install, flags);
        assertThat(List.of(before.count(), behind.count())).containsExactly((long) RUNS, (long) RUNS);
        State denied = machine.call(caller.address(), in);
        assertThat(denied.get(Gpr.RAX)).isEqualTo(-13);
        assertThat(before.field(1)).isEqualTo(GETPPID);
        assertThat(List.of(behind.field(1), behind.field(2))).containsExactly((long) GETPPID, -13L);
        long[] expected = withoutStack(made);
        expected[Gpr.RAX.number()] = -13;
        expected[Gpr.R11.number()] = in.get(Gpr.R11); // the call would have put the flags there
        assertThat(withoutStack(denied)).isEqualTo(expected);
        assertThat(denied.flags()).isEqualTo(made.flags());
    }
}
