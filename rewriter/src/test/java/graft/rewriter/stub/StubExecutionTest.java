package graft.rewriter.stub;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.RegMem;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import graft.rewriter.stub.Machine.State;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Probed functions run with random registers and are compared with the same functions unprobed. */
class StubExecutionTest {
    private static final int RUNS = 300;
    private static final int RIP = 16;
    private static final int EFLAGS = 18;
    private static final int RSP = 19;

    /** Registers in the order of {@code struct pt_regs}. */
    private static final List<Gpr> FIELDS = List.of(
            Gpr.R15, Gpr.R14, Gpr.R13, Gpr.R12, Gpr.RBP, Gpr.RBX, Gpr.R11, Gpr.R10, Gpr.R9, Gpr.R8, Gpr.RAX, Gpr.RCX,
            Gpr.RDX, Gpr.RSI, Gpr.RDI);

    private final Machine machine = new Machine();
    private final SplittableRandom random = new SplittableRandom(7);

    @AfterEach
    void unmap() {
        machine.close();
    }

    /** Whether flags matter after the function. */
    private enum Flags {
        LIVE,
        DEAD
    }

    /** A function in the text, and where its site is. */
    private record Function(long address, long site, byte[] text) {}

    private Function function(Consumer<X64Assembler> before, Consumer<X64Assembler> fromSite) {
        long[] site = new long[1];
        byte[][] text = new byte[1][];
        long address = machine.text(out -> {
            before.accept(out);
            site[0] = out.here();
            int start = out.position();
            fromSite.accept(out);
            byte[] all = out.finish();
            text[0] = Arrays.copyOfRange(all, start, all.length);
        });
        return new Function(address, site[0], text[0]);
    }

    /** The classic prologue. */
    private Function framed() {
        return function(out -> {}, out -> {
            out.push(Gpr.RBP);
            out.mov(OpSize.Q, (RegMem) Gpr.RBP, Gpr.RSP);
            out.op(Arith.SUB, OpSize.Q, Gpr.RSP, 32);
            out.mov(OpSize.Q, Address.at(Gpr.RBP, -8), Gpr.RDI);
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, Gpr.RSI, 2, 17));
            out.op(Arith.XOR, OpSize.Q, Gpr.RDX, Address.at(Gpr.RBP, -8));
            out.plain(Plain.LEAVE);
            out.plain(Plain.RET);
        });
    }

    /** A leaf whose red zone and flags are in use at the site, which is one instruction. */
    private Function leaf() {
        return function(
                out -> {
                    for (int i = 8; i <= 128; i += 8) {
                        out.mov(OpSize.Q, Address.at(Gpr.RSP, -i), i % 16 == 0 ? Gpr.RDI : Gpr.R10);
                    }
                    out.op(Arith.CMP, OpSize.Q, (RegMem) Gpr.RSI, Gpr.RDX);
                },
                out -> {
                    out.mov(Gpr.RAX, 5);
                    for (int i = 8; i <= 128; i += 8) {
                        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, Gpr.RAX, 2, 0));
                        out.mov(OpSize.Q, Gpr.R9, Address.at(Gpr.RSP, -i));
                        out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RAX, Gpr.R9, 1, 0));
                    }
                    out.plain(Plain.RET);
                });
    }

    private State randomState() {
        long[] registers = new long[16];
        for (int i = 0; i < 16; i++) {
            registers[i] = random.nextLong();
        }
        return new State(registers, random.nextLong(), new long[0]);
    }

    private List<X64Insn> covered(Function function) {
        return machine.covered(function.site(), function.text());
    }

    private static RemoteAddress back(List<X64Insn> displaced) {
        return displaced.getLast().end();
    }

    /** A writer for the next place in the pool: to be asked for when the thunks are there. */
    private StubWriter writer() {
        return new StubWriter(machine.nextInPool());
    }

    private void install(Function function, Stub stub) {
        Stub.Written written = (Stub.Written) stub;
        machine.putInPool(written.code().bytes());
        machine.patch(function.site(), written.entry());
    }

    private static void assertSame(State probed, State plain, Flags flags) {
        long[] registers = plain.registers().clone();
        // Where the test's own frame is; the machine has checked it.
        registers[Gpr.RSP.number()] = probed.get(Gpr.RSP);
        assertThat(probed.registers()).isEqualTo(registers);
        if (flags == Flags.LIVE) {
            assertThat(probed.flags()).isEqualTo(plain.flags());
        }
        assertThat(probed.vectors()).isEqualTo(plain.vectors());
    }

    /** Runs the function with many inputs, installs the probe, runs it again with the same ones. */
    private void assertUnchangedBy(Function function, Runnable install) {
        assertUnchangedBy(function, Flags.LIVE, install);
    }

    private void assertUnchangedBy(Function function, Flags flags, Runnable install) {
        List<State> inputs = new ArrayList<>();
        List<State> plain = new ArrayList<>();
        for (int i = 0; i < RUNS; i++) {
            inputs.add(randomState());
            plain.add(machine.call(function.address(), inputs.get(i)));
        }
        install.run();
        for (int i = 0; i < RUNS; i++) {
            assertSame(machine.call(function.address(), inputs.get(i)), plain.get(i), flags);
        }
    }

    private void assertRegistersSeen(Recorder program, State in) {
        for (int i = 0; i < FIELDS.size(); i++) {
            assertThat(program.field(i)).as("%s", FIELDS.get(i)).isEqualTo(in.get(FIELDS.get(i)));
        }
    }

    private void installEntry(Function function, List<ProbeCall> calls) {
        List<X64Insn> displaced = covered(function);
        StubWriter.FunctionCalls all = new StubWriter.FunctionCalls(ProbeKind.ENTRY, calls, List.of());
        install(function, writer().entry(all, displaced, back(displaced)));
    }

    private void installOffset(Function function, List<ProbeCall> calls) {
        List<X64Insn> displaced = covered(function);
        install(function, writer().offset(calls, displaced, back(displaced)));
    }

    private static RemoteAddress ip(Function function) {
        return new RemoteAddress(function.site());
    }

    @Test
    void anEntryProbeChangesNothing() {
        Function function = framed();
        Recorder program = Recorder.curious(machine, 0);
        assertUnchangedBy(
                function, () -> installEntry(function, List.of(program.call(ProbeKind.ENTRY, ip(function), 77))));
        assertThat(program.count()).isEqualTo(RUNS);
    }

    @Test
    void programsAtInstructionsThatAnEntrysStubMovesChangeNothingAndSeeTheirPlace() {
        Function function = framed();
        List<X64Insn> displaced = covered(function);
        RemoteAddress second = displaced.get(1).address();
        RemoteAddress third = displaced.get(2).address();
        Recorder entry = Recorder.curious(machine, 0);
        Recorder atSecond = Recorder.curious(machine, 1);
        Recorder atThird = Recorder.curious(machine, 2);
        StubWriter.FunctionCalls calls = new StubWriter.FunctionCalls(
                ProbeKind.ENTRY, List.of(entry.call(ProbeKind.ENTRY, ip(function), 1)), List.of());
        Map<RemoteAddress, List<ProbeCall>> inside = Map.of(
                second,
                List.of(atSecond.call(ProbeKind.OFFSET, second, 2), atSecond.call(ProbeKind.OFFSET, second, 2)),
                third,
                List.of(atThird.call(ProbeKind.OFFSET, third, 3)));
        assertUnchangedBy(
                function, () -> install(function, writer().inside(inside).entry(calls, displaced, back(displaced))));
        assertThat(entry.count()).isEqualTo(RUNS);
        assertThat(atSecond.count()).isEqualTo(2 * RUNS);
        assertThat(atThird.count()).isEqualTo(RUNS);
        State in = randomState();
        State out = machine.call(function.address(), in);
        assertThat(atSecond.field(RIP)).isEqualTo(second.value());
        // push rbp has run, and mov rbp,rsp has not
        assertThat(atSecond.field(RSP)).isEqualTo(out.get(Gpr.RSP) - 16);
        assertRegistersSeen(atSecond, in);
        assertThat(atThird.field(RIP)).isEqualTo(third.value());
        assertThat(atThird.field(FIELDS.indexOf(Gpr.RBP))).isEqualTo(out.get(Gpr.RSP) - 16);
    }

    @Test
    void programsAtInstructionsBehindALiveRedZoneAndFlagsChangeNothing() {
        Function function = leaf();
        List<X64Insn> displaced = covered(function);
        RemoteAddress site = displaced.getFirst().address();
        Recorder program = Recorder.curious(machine, 0);
        List<ProbeCall> own = List.of(program.call(ProbeKind.OFFSET, site, 1));
        Map<RemoteAddress, List<ProbeCall>> inside = Map.of(site, List.of(program.call(ProbeKind.OFFSET, site, 2)));
        assertUnchangedBy(
                function, () -> install(function, writer().inside(inside).offset(own, displaced, back(displaced))));
        assertThat(program.count()).isEqualTo(2 * RUNS);
    }

    @Test
    void anEntryProbeSeesWhatTheKernelWouldShow() {
        Function function = framed();
        Recorder program = Recorder.curious(machine, 0);
        installEntry(function, List.of(program.call(ProbeKind.ENTRY, ip(function), 77)));
        State in = randomState();
        State out = machine.call(function.address(), in);
        assertRegistersSeen(program, in);
        assertThat(program.field(RIP)).isEqualTo(function.site());
        assertThat(program.field(RSP)).isEqualTo(out.get(Gpr.RSP) - 8);
        assertThat(program.field(EFLAGS) & Machine.ARITHMETIC_FLAGS).isEqualTo(in.flags() & Machine.ARITHMETIC_FLAGS);
        assertThat(program.field(15)).isEqualTo(-1);
        assertThat(program.field(17)).isEqualTo(0x33);
        assertThat(program.field(20)).isEqualTo(0x2b);
        assertThat(program.functionIp()).isEqualTo(function.site());
        assertThat(program.cookie()).isEqualTo(77);
        assertThat(program.stack() & 15).isEqualTo(8);
    }

    @Test
    void anOffsetProbeKeepsFlagsAndRedZone() {
        Function function = leaf();
        Recorder program = Recorder.curious(machine, 0);
        assertUnchangedBy(
                function, () -> installOffset(function, List.of(program.call(ProbeKind.OFFSET, ip(function), 3))));
        assertThat(program.count()).isEqualTo(RUNS);
        State in = randomState();
        State out = machine.call(function.address(), in);
        assertRegistersSeen(program, in);
        assertThat(program.field(RIP)).isEqualTo(function.site());
        assertThat(program.field(RSP)).isEqualTo(out.get(Gpr.RSP) - 8);
        assertThat(program.stack() & 15).isEqualTo(8);
    }

    @Test
    void anOffsetProbeWithoutTheFlagsFieldKeepsThem() {
        Function function = leaf();
        Recorder program = new Recorder(machine, 0, new BitSet(), EnumSet.of(Gpr.RAX, Gpr.RDI, Gpr.RBX));
        assertUnchangedBy(
                function, () -> installOffset(function, List.of(program.call(ProbeKind.OFFSET, ip(function), 3))));
        assertThat(program.count()).isEqualTo(RUNS);
    }

    @Test
    void severalProgramsRunInOrderWithTheirOwnRecords() {
        for (ProbeKind kind : List.of(ProbeKind.ENTRY, ProbeKind.OFFSET)) {
            Function function = kind == ProbeKind.ENTRY ? framed() : leaf();
            int first = kind == ProbeKind.ENTRY ? 0 : 3;
            List<Recorder> programs = List.of(
                    Recorder.curious(machine, first),
                    new Recorder(machine, first + 1, new BitSet(), EnumSet.of(Gpr.RAX)),
                    Recorder.curious(machine, first + 2));
            assertUnchangedBy(function, () -> {
                List<ProbeCall> calls = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    calls.add(programs.get(i).call(kind, ip(function).plus(i), 100 + i));
                }
                if (kind == ProbeKind.ENTRY) {
                    installEntry(function, calls);
                } else {
                    installOffset(function, calls);
                }
            });
            for (int i = 0; i < 3; i++) {
                assertThat(programs.get(i).count()).isEqualTo(RUNS);
                assertThat(programs.get(i).cookie()).isEqualTo(100 + i);
                assertThat(programs.get(i).functionIp()).isEqualTo(function.site() + i);
            }
        }
    }

    @Test
    void aProgramOnAStackOfThePoolLeavesTheThreadsOwnAlone() {
        for (ProbeKind kind : List.of(ProbeKind.ENTRY, ProbeKind.OFFSET)) {
            Function function = kind == ProbeKind.ENTRY ? framed() : leaf();
            Recorder program = Recorder.curious(machine, kind.ordinal());
            assertUnchangedBy(function, () -> installOnPoolStack(function, program, kind));
            assertThat(program.count()).isEqualTo(RUNS);
            State in = randomState();
            State out = machine.call(function.address(), in);
            assertRegistersSeen(program, in);
            assertThat(program.field(RSP)).isEqualTo(out.get(Gpr.RSP) - 8);
            assertThat(program.cookie()).isEqualTo(9);
            RuntimeRegion runtime = machine.runtime();
            assertThat(program.stack())
                    .isBetween(runtime.stacks().value(), runtime.stacksEnd().value());
            assertThat(program.stack() & PoolConstants.STACK_BYTES - 1).isEqualTo(PoolConstants.STACK_BYTES - 8);
            assertThat(stacksInUse()).isZero();
            assertThat(machine.runtimeWord(runtime.missedRuns())).isZero();
        }
    }

    private void installOnPoolStack(Function function, Recorder program, ProbeKind kind) {
        List<ProbeCall> calls = List.of(program.callOnPoolStack(kind, ip(function), 9));
        if (kind == ProbeKind.ENTRY) {
            installEntry(function, calls);
        } else {
            installOffset(function, calls);
        }
    }

    private long stacksInUse() {
        return IntStream.range(0, PoolConstants.STACKS)
                .filter(index -> machine.runtimeWord(stack(index)) != 0)
                .count();
    }

    private RemoteAddress stack(int index) {
        return machine.runtime().stacks().plus((long) index * PoolConstants.STACK_BYTES);
    }

    @Test
    void aProgramThatFindsNoStackDoesNotRunAndIsCounted() {
        Function function = leaf();
        Recorder program = Recorder.curious(machine, 0);
        for (int index = 0; index < PoolConstants.STACKS; index++) {
            machine.write(stack(index).value(), new byte[] {1});
        }
        assertUnchangedBy(function, () -> installOnPoolStack(function, program, ProbeKind.OFFSET));
        assertThat(program.count()).isZero();
        assertThat(machine.runtimeWord(machine.runtime().missedRuns())).isEqualTo(RUNS);
        machine.write(stack(PoolConstants.STACKS - 1).value(), new byte[] {0});
        machine.call(function.address(), randomState());
        assertThat(program.count()).isEqualTo(1);
    }

    @Test
    void nothingRunsWhileTheStateIsInactive() {
        Function entry = framed();
        Function leaf = leaf();
        Recorder program = Recorder.curious(machine, 0);
        machine.setActive(0);
        assertUnchangedBy(entry, () -> installEntry(entry, List.of(program.call(ProbeKind.ENTRY, ip(entry), 1))));
        assertUnchangedBy(leaf, () -> installOffset(leaf, List.of(program.call(ProbeKind.OFFSET, ip(leaf), 1))));
        assertThat(program.count()).isZero();
    }

    private void installTested(Function function, ProbeCall... all) {
        List<X64Insn> displaced = covered(function);
        StubWriter.FunctionCalls calls = new StubWriter.FunctionCalls(ProbeKind.TESTED_ENTRY, List.of(all), List.of());
        install(function, writer().entry(machine.runtime().active(), calls, displaced, back(displaced)));
    }

    @Test
    void aStubThatTestsFirstRunsTheProgramWhileTheStateIsActive() {
        Function entry = framed();
        Recorder program = Recorder.curious(machine, 0);
        assertUnchangedBy(entry, () -> installTested(entry, program.call(ProbeKind.TESTED_ENTRY, ip(entry), 77)));
        assertThat(program.count()).isEqualTo(RUNS);
        assertThat(program.cookie()).isEqualTo(77);
    }

    @Test
    void aStubThatTestsFirstRunsEachOfItsProgramsOnce() {
        Function entry = framed();
        List<Recorder> programs = IntStream.range(0, 3)
                .mapToObj(i -> Recorder.curious(machine, i))
                .toList();
        assertUnchangedBy(
                entry,
                () -> installTested(
                        entry,
                        programs.stream()
                                .map(program -> program.call(ProbeKind.TESTED_ENTRY, ip(entry), 77))
                                .toArray(ProbeCall[]::new)));
        assertThat(programs).allSatisfy(program -> {
            assertThat(program.count()).isEqualTo(RUNS);
            assertThat(program.functionIp()).isEqualTo(ip(entry).value());
            assertThat(program.cookie()).isEqualTo(77);
        });
    }

    @Test
    void aStubThatTestsFirstRunsTheMovedInstructionsOnlyWhileItIsNot() {
        Function entry = framed();
        Recorder program = Recorder.curious(machine, 0);
        machine.setActive(0);
        assertUnchangedBy(entry, () -> installTested(entry, program.call(ProbeKind.TESTED_ENTRY, ip(entry), 1)));
        assertThat(program.count()).isZero();
    }

    @Test
    void whoFindsTheDaemonDeadMakesTheStateInactive() {
        Function entry = framed();
        Recorder program = Recorder.curious(machine, 0);
        machine.setLifeline(PoolConstants.LIFELINE_CUT);
        assertUnchangedBy(entry, () -> installTested(entry, program.call(ProbeKind.TESTED_ENTRY, ip(entry), 1)));
        assertThat(program.count()).isZero();
        assertThat((int) machine.runtimeWord(machine.runtime().active())).isZero();
    }

    @Test
    void nothingRunsWhenTheDaemonHasDied() {
        Function entry = framed();
        Function leaf = leaf();
        Recorder program = Recorder.curious(machine, 0);
        machine.setLifeline(PoolConstants.LIFELINE_CUT);
        assertUnchangedBy(entry, () -> installEntry(entry, List.of(program.call(ProbeKind.ENTRY, ip(entry), 1))));
        assertUnchangedBy(leaf, () -> installOffset(leaf, List.of(program.call(ProbeKind.OFFSET, ip(leaf), 1))));
        assertThat(program.count()).isZero();
    }

    @Test
    void anExitProbeSeesTheResultAndTheCaller() {
        Function function = function(out -> out.lea(OpSize.Q, Gpr.RDX, Address.at(Gpr.RDI, 9)), out -> {
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, Gpr.RSI, 4, 1000));
            out.plain(Plain.RET);
        });
        Recorder program = Recorder.curious(machine, 0);
        State in = randomState();
        State plain = machine.call(function.address(), in);
        List<X64Insn> displaced = covered(function);
        List<ProbeCall> calls = List.of(program.call(ProbeKind.RETURN, new RemoteAddress(function.address()), 5));
        assertUnchangedBy(
                function, Flags.DEAD, () -> install(function, writer().exit(calls, displaced, Code.ofHex("c3"))));
        State out = machine.call(function.address(), in);
        assertThat(program.count()).isEqualTo(RUNS + 1);
        assertRegistersSeen(program, plain);
        assertThat(program.field(RSP)).isEqualTo(out.get(Gpr.RSP));
        assertThat(program.functionIp()).isEqualTo(function.address());
        assertThat(program.cookie()).isEqualTo(5);
        assertThat(program.stack() & 15).isEqualTo(8);
    }

    @Test
    void aTailJumpOfTheProbedFunctionStillReturnsToTheCaller() {
        Function tail = framed();
        Function function = function(out -> {}, out -> {
            out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 1));
            out.jmp(tail.address());
        });
        Recorder program = Recorder.curious(machine, 0);
        assertUnchangedBy(
                function, () -> installEntry(function, List.of(program.call(ProbeKind.ENTRY, ip(function), 1))));
        assertThat(program.count()).isEqualTo(RUNS);
    }

    @Test
    void aRetargetedCallAndJumpRunTheProgramOnTheWay() {
        Function target = framed();
        Function caller = function(out -> out.push(Gpr.RBX), out -> {
            out.call(target.address());
            out.pop(Gpr.RBX);
            out.plain(Plain.RET);
        });
        Recorder atCall = Recorder.curious(machine, 0);
        assertUnchangedBy(caller, () -> {
            RemoteAddress thunk = atCall.thunk(ProbeKind.CALL_SITE);
            Stub.Written written = (Stub.Written) writer().callSite(
                            List.of(new ProbeCall(thunk, ip(caller), 1)), new RemoteAddress(target.address()));
            machine.putInPool(written.code().bytes());
            X64Assembler out = new X64Assembler(caller.site());
            out.call(written.entry().value());
            machine.write(caller.site(), out.finish());
        });
        assertThat(atCall.count()).isEqualTo(RUNS);
        State in = randomState();
        State out = machine.call(caller.address(), in);
        assertRegistersSeen(atCall, in);
        assertThat(atCall.field(RSP)).isEqualTo(out.get(Gpr.RSP) - 16);
        assertThat(atCall.field(RIP)).isEqualTo(caller.site());
    }

    private static BitSet words(int count) {
        BitSet words = new BitSet();
        words.set(0, count);
        return words;
    }

    @Test
    void everyThunkKeepsItsBound() {
        EnumSet<Gpr> most = EnumSet.complementOf(EnumSet.of(Gpr.RSP, Gpr.R12));
        for (ProbeKind kind : ProbeKind.values()) {
            BitSet fields = switch (kind.context()) {
                case REGISTERS, SYSCALL_WRAPPED -> ProgramEntry.allFields();
                case SYSCALL_RECORD -> words(8);
                case SYSCALL_RAW -> words(2);
            };
            ProgramEntry entry =
                    new ProgramEntry(machine.nextInPool(), most, fields, EnumSet.allOf(ProgramEntry.Use.class));
            for (StackUse stack : StackUse.values()) {
                assertThat(new ThunkWriter(machine.runtime())
                                .write(machine.nextInPool(), new ThunkKind(kind, stack), entry)
                                .code()
                                .length())
                        .isLessThanOrEqualTo(ThunkWriter.MAX_BYTES);
            }
        }
    }
}
