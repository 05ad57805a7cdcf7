package graft.rewriter.stub;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.Machine.State;
import graft.rewriter.stub.SyscallStubWriter.After;
import graft.rewriter.stub.SyscallStubWriter.Call;
import graft.rewriter.stub.SyscallStubWriter.Number;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real calls of {@code mov $110, %eax; syscall; ret} with random registers, compared with the same calls without a stub. */
class LastCallExecutionTest {
    private static final int RUNS = 300;
    private static final int GETPPID = 110;
    private static final byte[] LOAD = {(byte) 0xb8, GETPPID, 0, 0, 0};

    private final Machine machine = new Machine();
    private final SplittableRandom random = new SplittableRandom(12);
    private final long function = machine.text(out -> {
        out.bytes(LOAD);
        out.bytes(new byte[] {0x0f, 0x05});
        out.plain(Plain.RET);
    });
    private final RemoteAddress call = new RemoteAddress(function + LOAD.length);
    private final RemoteAddress end = call.plus(2);

    @AfterEach
    void unmap() {
        machine.close();
    }

    private void install(List<Call> before, List<Call> behind) {
        ReturnRoutines.Written routines =
                ReturnRoutines.write(machine.runtime(), Optional.empty(), machine.nextInPool());
        machine.putInPool(routines.code().bytes());
        X64Insn displaced = (X64Insn) X64Decoder.decode(LOAD, 0, new RemoteAddress(function));
        After after = new After(behind, new Number.Constant(GETPPID), end);
        Stub.Written stub = (Stub.Written) new SyscallStubWriter(machine.nextInPool(), Flags.LIVE)
                .around(before, after, routines.addresses(), List.of(displaced), call);
        machine.putInPool(stub.code().bytes());
        machine.patch(function, stub.entry());
    }

    private State randomState() {
        long[] registers = new long[16];
        for (int i = 0; i < registers.length; i++) {
            registers[i] = random.nextLong();
        }
        return new State(registers, random.nextLong(), new long[0]);
    }

    /** Flags are dead where a function returns, and r11 has those that the call saw. */
    private static long[] compared(State state) {
        long[] registers = state.registers().clone();
        registers[Gpr.RSP.number()] = 0;
        registers[Gpr.R11.number()] = 0;
        return registers;
    }

    private static BitSet words(int count) {
        BitSet words = new BitSet();
        words.set(0, count);
        return words;
    }

    private Call every(Recorder recorder, ProbeKind kind) {
        return new Call(recorder.call(kind, end, 0), SiteRecord.READ, OptionalInt.empty());
    }

    @Test
    void programsOfBothSidesRunAndNothingElseChanges() {
        Recorder before = new Recorder(machine, 0, words(8), Recorder.callerSaved());
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        List<State> ins = random.ints(RUNS).mapToObj(_ -> randomState()).toList();
        List<State> expected =
                ins.stream().map(in -> machine.call(function, in)).toList();
        install(List.of(every(before, ProbeKind.SYSCALL_ENTER)), List.of(every(behind, ProbeKind.SYSCALL_EXIT)));
        for (int i = 0; i < RUNS; i++) {
            State out = machine.call(function, ins.get(i));
            assertThat(compared(out)).isEqualTo(compared(expected.get(i)));
            assertThat(out.vectors()).isEqualTo(expected.get(i).vectors());
            assertThat(before.field(2)).isEqualTo(ins.get(i).get(Gpr.RDI));
            assertThat(List.of(behind.field(1), behind.field(2))).containsExactly((long) GETPPID, out.get(Gpr.RAX));
        }
        assertThat(List.of(before.count(), behind.count())).containsOnly((long) RUNS);
    }

    @Test
    void withoutTheDaemonTheCallIsMadeAndReturnsByItself() {
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        State in = randomState();
        State expected = machine.call(function, in);
        install(List.of(), List.of(every(behind, ProbeKind.SYSCALL_EXIT)));
        machine.setActive(0);
        assertThat(compared(machine.call(function, in))).isEqualTo(compared(expected));
        assertThat(behind.count()).isZero();
        machine.setActive(1);
        machine.call(function, in);
        assertThat(behind.count()).isOne();
    }

    /** A program that answers every call with -13. */
    private Call denying() {
        RemoteAddress program = machine.pool(out -> {
            out.mov(OpSize.Q, Address.at(Gpr.RDI, ThunkFrame.RESULT), -13);
            out.mov(OpSize.Q, Address.at(Gpr.RDI, ThunkFrame.RUNS), 0);
            out.plain(Plain.RET);
        });
        ProgramEntry entry =
                new ProgramEntry(program, Recorder.callerSaved(), words(2), EnumSet.of(ProgramEntry.Use.OVERRIDE));
        RemoteAddress thunk = machine.nextInPool();
        ThunkWriter.Written written = new ThunkWriter(machine.runtime())
                .write(thunk, new ThunkKind(ProbeKind.SYSCALL_ENTER, StackUse.THREAD, Flags.LIVE), entry);
        machine.putInPool(written.code().bytes());
        ProbeCall call = new ProbeCall(thunk, end, 0, ProbeCall.Effect.MAY_OVERRIDE);
        return new Call(call, written.record(), OptionalInt.empty());
    }

    @Test
    void aCallThatIsLeftOutReturnsTheProgramsResultAndIsSeenToEnd() {
        Recorder behind = new Recorder(machine, 1, words(3), Recorder.callerSaved());
        State in = randomState();
        State made = machine.call(function, in);
        install(List.of(denying()), List.of(every(behind, ProbeKind.SYSCALL_EXIT)));
        State denied = machine.call(function, in);
        long[] expected = compared(made);
        expected[Gpr.RAX.number()] = -13;
        assertThat(compared(denied)).isEqualTo(expected);
        assertThat(List.of(behind.field(1), behind.field(2))).containsExactly((long) GETPPID, -13L);
    }
}
