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
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.Machine.State;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Programs that leave the function they run in, and programs that write its registers. */
class OverrideExecutionTest {
    private static final int BODY_RUNS = 0x8000;
    private static final int ODD_RESULT = 4711;
    private static final int RUNS = 200;
    private static final int RDI = 14;
    private static final int RAX = 10;

    private final Machine machine = new Machine();
    private final SplittableRandom random = new SplittableRandom(11);
    private byte[] text;

    @AfterEach
    void unmap() {
        machine.close();
    }

    private long function(Consumer<X64Assembler> body) {
        return machine.text(out -> {
            body.accept(out);
            text = out.finish();
        });
    }

    /** Counts its runs and returns twice its argument; takes the flags along. */
    private long doubling() {
        return function(out -> {
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, Gpr.RDI, 1, 0));
            out.mov(OpSize.Q, Gpr.R10, machine.scratch(BODY_RUNS));
            out.lea(OpSize.Q, Gpr.R10, Address.at(Gpr.R10, 1));
            out.mov(OpSize.Q, machine.scratch(BODY_RUNS), Gpr.R10);
            out.plain(Plain.RET);
        });
    }

    /** Leaves when the argument is odd, with {@code result} plus the argument. */
    private ProgramEntry refusesOddOnes(int result) {
        BitSet fields = new BitSet();
        fields.set(RDI);
        return program(fields, new BitSet(), EnumSet.of(ProgramEntry.Use.OVERRIDE), out -> {
            Label even = new Label("even");
            out.mov(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, 8 * RDI));
            out.test(OpSize.D, Gpr.RAX, 1);
            out.jcc(Cond.E, even);
            out.op(Arith.ADD, OpSize.Q, Gpr.RAX, result);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, -32), Gpr.RAX);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, -24), 0);
            out.bind(even);
        });
    }

    private ProgramEntry program(BitSet read, BitSet written, Set<ProgramEntry.Use> uses, Consumer<X64Assembler> body) {
        RemoteAddress address = machine.pool(out -> {
            body.accept(out);
            Recorder.callerSaved().forEach(register -> out.mov(register, 0xbadc_0ffeL));
            out.op(Arith.XOR, OpSize.D, Gpr.RAX, Gpr.RAX);
            out.op(Unary.NEG, OpSize.Q, Gpr.RAX);
            out.plain(Plain.RET);
        });
        return new ProgramEntry(address, Recorder.callerSaved(), read, uses, written);
    }

    private ProbeCall call(ProgramEntry program, ProbeKind kind, ProbeCall.Effect effect) {
        RemoteAddress thunk = machine.nextInPool();
        machine.putInPool(new ThunkWriter(machine.runtime())
                .write(thunk, new ThunkKind(kind, StackUse.THREAD), program)
                .code()
                .bytes());
        return new ProbeCall(thunk, new RemoteAddress(0x1234), 7, effect);
    }

    private void install(long function, Stub stub) {
        Stub.Written written = (Stub.Written) stub;
        machine.putInPool(written.code().bytes());
        machine.patch(function, written.entry());
    }

    private void probe(long function, ProbeKind kind, List<ProbeCall> entries, List<ProbeCall> returns) {
        List<X64Insn> displaced = machine.covered(function, text);
        StubWriter.FunctionCalls calls = new StubWriter.FunctionCalls(kind, entries, returns);
        RemoteAddress back = displaced.getLast().end();
        StubWriter stub = new StubWriter(machine.nextInPool());
        install(
                function,
                kind == ProbeKind.TESTED_ENTRY
                        ? stub.entry(machine.runtime().active(), calls, displaced, back)
                        : stub.entry(calls, displaced, back));
    }

    private State state(long rdi) {
        long[] registers = random.longs(16).toArray();
        registers[Gpr.RDI.number()] = rdi;
        return new State(registers, random.nextLong(), new long[0]);
    }

    private long bodies() {
        return machine.word(BODY_RUNS);
    }

    @ParameterizedTest
    @EnumSource(names = {"ENTRY", "TESTED_ENTRY", "OFFSET"})
    void aFunctionIsLeftForTheCallsThatAProgramNames(ProbeKind kind) {
        long function = doubling();
        probe(
                function,
                kind,
                List.of(call(refusesOddOnes(ODD_RESULT), kind, ProbeCall.Effect.MAY_OVERRIDE)),
                List.of());
        for (long argument = 0; argument < RUNS; argument++) {
            State in = state(argument);
            State out = machine.call(function, in);
            assertThat(out.get(Gpr.RAX)).isEqualTo(argument % 2 == 0 ? 2 * argument : ODD_RESULT + argument);
            for (Gpr kept : List.of(Gpr.RBX, Gpr.RBP, Gpr.RCX, Gpr.RDI, Gpr.R9, Gpr.R11, Gpr.R12, Gpr.R15)) {
                assertThat(out.get(kept)).as("%s", kept).isEqualTo(in.get(kept));
            }
            if (kind == ProbeKind.OFFSET) {
                assertThat(out.flags()).isEqualTo(in.flags() & Machine.ARITHMETIC_FLAGS);
            }
        }
        assertThat(bodies()).isEqualTo(RUNS / 2);
    }

    @ParameterizedTest
    @EnumSource(names = {"ENTRY", "OFFSET"})
    void everyOtherProgramOfTheFunctionRunsOnceForEachCall(ProbeKind kind) {
        long function = doubling();
        Recorder before = Recorder.curious(machine, 0);
        Recorder behind = Recorder.curious(machine, 1);
        Recorder last = Recorder.curious(machine, 2);
        Recorder atReturn = Recorder.curious(machine, 3);
        RemoteAddress ip = new RemoteAddress(function);
        probe(
                function,
                kind,
                List.of(
                        before.call(kind, ip, 1),
                        call(refusesOddOnes(1), kind, ProbeCall.Effect.MAY_OVERRIDE),
                        behind.call(kind, ip, 2),
                        call(refusesOddOnes(ODD_RESULT), kind, ProbeCall.Effect.MAY_OVERRIDE),
                        last.call(kind, ip, 3)),
                List.of(atReturn.call(ProbeKind.RETURN, ip, 4)));
        State even = state(8);
        State out = machine.call(function, even);
        assertThat(out.get(Gpr.RAX)).isEqualTo(16);
        assertThat(atReturn.count()).isZero();
        State odd = state(9);
        out = machine.call(function, odd);
        assertThat(out.get(Gpr.RAX)).as("what the last program said").isEqualTo(ODD_RESULT + 9);
        assertThat(List.of(before.count(), behind.count(), last.count())).containsOnly(2L);
        assertThat(atReturn.count()).isEqualTo(1);
        assertThat(before.field(RAX)).isEqualTo(odd.get(Gpr.RAX));
        assertThat(behind.field(RAX)).isEqualTo(10);
        assertThat(last.field(RAX)).isEqualTo(ODD_RESULT + 9);
        assertThat(atReturn.field(RAX)).isEqualTo(ODD_RESULT + 9);
        assertThat(atReturn.field(19)).as("the caller's stack pointer").isEqualTo(out.get(Gpr.RSP));
        assertThat(List.of(before.cookie(), behind.cookie(), last.cookie(), atReturn.cookie()))
                .containsExactly(1L, 2L, 3L, 4L);
        assertThat(bodies()).isEqualTo(1);
    }

    @Test
    void aProgramThatIsOffOverridesNothing() {
        long function = doubling();
        for (ProbeKind kind : List.of(ProbeKind.ENTRY, ProbeKind.TESTED_ENTRY, ProbeKind.OFFSET)) {
            probe(
                    function,
                    kind,
                    List.of(call(refusesOddOnes(ODD_RESULT), kind, ProbeCall.Effect.MAY_OVERRIDE)),
                    List.of());
            assertThat(machine.call(function, state(3)).get(Gpr.RAX)).isEqualTo(ODD_RESULT + 3);
            machine.setActive(0);
            assertThat(machine.call(function, state(3)).get(Gpr.RAX)).isEqualTo(6);
            machine.setActive(1);
        }
    }

    @Test
    void aCallThatIsOverriddenIsNotWrapped() {
        ReturnRoutines.Written routines =
                ReturnRoutines.write(machine.runtime(), Optional.empty(), machine.nextInPool());
        machine.putInPool(routines.code().bytes());
        long function = doubling();
        Recorder atReturn = Recorder.curious(machine, 0);
        List<ProbeCall> entries =
                List.of(call(refusesOddOnes(ODD_RESULT), ProbeKind.ENTRY, ProbeCall.Effect.MAY_OVERRIDE));
        List<ProbeCall> returns = List.of(atReturn.call(ProbeKind.RETURN, new RemoteAddress(function), 0));
        List<X64Insn> displaced = machine.covered(function, text);
        install(
                function,
                new StubWriter(machine.nextInPool())
                        .wrap(
                                entries,
                                returns,
                                routines.addresses(),
                                displaced,
                                displaced.getLast().end()));
        for (long argument = 0; argument < RUNS; argument++) {
            long expected = argument % 2 == 0 ? 2 * argument : ODD_RESULT + argument;
            assertThat(machine.call(function, state(argument)).get(Gpr.RAX)).isEqualTo(expected);
            assertThat(atReturn.field(RAX)).isEqualTo(expected);
            assertThat(atReturn.count()).isEqualTo(argument + 1);
        }
        assertThat(bodies()).isEqualTo(RUNS / 2);
    }

    @ParameterizedTest
    @EnumSource(names = {"ENTRY", "TESTED_ENTRY", "OFFSET"})
    void aFunctionSeesWhatAProgramWritesIntoItsArguments(ProbeKind kind) {
        BitSet written = new BitSet();
        written.set(RDI);
        ProgramEntry program = program(
                new BitSet(),
                written,
                Set.of(),
                out -> out.op(Arith.ADD, OpSize.Q, Address.at(Gpr.RDI, 8 * RDI), 1000));
        long function = doubling();
        probe(function, kind, List.of(call(program, kind, ProbeCall.Effect.NONE)), List.of());
        State in = state(21);
        State out = machine.call(function, in);
        assertThat(out.get(Gpr.RAX)).isEqualTo(2 * 1021);
        assertThat(out.get(Gpr.RDI)).isEqualTo(1021);
        assertThat(out.get(Gpr.RSI)).isEqualTo(in.get(Gpr.RSI));
    }

    @Test
    void aProgramMayWriteEveryRegisterButTheStackPointer() {
        BitSet written = new BitSet();
        written.set(0, 15);
        ProgramEntry program = program(new BitSet(), written, Set.of(), out -> {
            for (int i = 0; i < 15; i++) {
                out.mov(OpSize.Q, Address.at(Gpr.RDI, 8 * i), 100 + i);
            }
        });
        long function = function(out -> {
            out.nop(5);
            out.plain(Plain.RET);
        });
        probe(function, ProbeKind.OFFSET, List.of(call(program, ProbeKind.OFFSET, ProbeCall.Effect.NONE)), List.of());
        State in = state(1);
        State out = machine.call(function, in);
        for (int i = 0; i < 15; i++) {
            assertThat(out.get(ThunkFrame.FIELDS.get(i))).isEqualTo(100 + i);
        }
        assertThat(out.flags()).isEqualTo(in.flags() & Machine.ARITHMETIC_FLAGS);
    }

    @Test
    void aSystemCallGetsTheArgumentsThatAProgramWrites() {
        BitSet written = new BitSet();
        written.set(2);
        written.set(5);
        ProgramEntry program = program(new BitSet(), written, Set.of(), out -> {
            out.mov(OpSize.Q, Address.at(Gpr.RDI, 16), 70);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, 40), 71);
        });
        long function = function(out -> {
            out.bytes(new byte[] {(byte) 0xb8, 1, 1, 0, 0});
            out.plain(Plain.RET);
        });
        List<X64Insn> displaced = machine.covered(function, Arrays.copyOf(text, 5));
        ProbeCall call = call(program, ProbeKind.SYSCALL_ENTER, ProbeCall.Effect.NONE);
        install(
                function,
                new SyscallStubWriter(machine.nextInPool(), Flags.LIVE)
                        .enter(
                                List.of(new SyscallStubWriter.Call(call, SiteRecord.READ, OptionalInt.empty())),
                                Optional.empty(),
                                displaced,
                                new RemoteAddress(function + 5)));
        State in = state(5);
        State out = machine.call(function, in);
        assertThat(List.of(out.get(Gpr.RDI), out.get(Gpr.R10), out.get(Gpr.RSI), out.get(Gpr.RAX)))
                .containsExactly(70L, 71L, in.get(Gpr.RSI), 257L);
    }

    @Test
    void aStubKeepsItsBound() {
        for (ProbeKind kind : List.of(ProbeKind.ENTRY, ProbeKind.OFFSET)) {
            ProbeCall call = call(refusesOddOnes(1), kind, ProbeCall.Effect.MAY_OVERRIDE);
            ProbeCall atReturn = Recorder.curious(machine, 0).call(ProbeKind.RETURN, call.functionIp(), 0);
            long function = doubling();
            List<X64Insn> displaced = machine.covered(function, text);
            for (int calls = 1; calls < 12; calls++) {
                StubWriter.FunctionCalls all = new StubWriter.FunctionCalls(
                        kind,
                        java.util.Collections.nCopies(calls, call),
                        java.util.Collections.nCopies(calls, atReturn));
                Stub.Written stub =
                        (Stub.Written) new StubWriter(machine.nextInPool()).entry(all, displaced, machine.nextInPool());
                assertThat(stub.code().length()).isLessThanOrEqualTo(StubWriter.maxBytes(3 * calls, displaced.size()));
            }
        }
    }
}
