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
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.stub.Machine.State;
import graft.rewriter.stub.SyscallStubWriter.Number;
import graft.rewriter.stub.SyscallStubWriter.Ways;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Code behind a system call that a branch leads to as well, with a value of its own in the register that calls overwrite. */
class BranchBehindCallTest {
    private static final int RUNS = 300;
    private static final int GETUID = 102;
    private static final int TAG = 0x5eed_1235;
    private static final int RED_ZONE = 128;

    private final Machine machine = new Machine();
    private final SplittableRandom random = new SplittableRandom(12);

    @AfterEach
    void unmap() {
        machine.close();
    }

    @Test
    void branchesKeepTheirRegistersAndFlagsAndRunNoProgram() {
        Recorder behind = new Recorder(machine, 0, words(), Recorder.callerSaved());
        long[] end = new long[1];
        long function = machine.text(out -> {
            Label joined = new Label("joined");
            out.mov(OpSize.D, Address.at(Gpr.RSP, -RED_ZONE), GETUID);
            out.mov(OpSize.D, Address.at(Gpr.RSP, -RED_ZONE + Integer.BYTES), 0);
            out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.RBX, 0);
            out.jcc(Cond.E, joined);
            out.mov(OpSize.D, Address.at(Gpr.RSP, -RED_ZONE + Integer.BYTES), TAG);
            out.mov(OpSize.D, (RegMem) Gpr.RAX, GETUID);
            out.plain(Plain.SYSCALL);
            out.bind(joined);
            end[0] = out.here();
            out.lea(OpSize.Q, Gpr.RBP, Address.at(Gpr.RCX, 0x1000));
            out.plain(Plain.RET);
        });
        List<State> ins = random.longs(RUNS).mapToObj(this::state).toList();
        List<State> expected =
                ins.stream().map(in -> machine.call(function, in)).toList();

        install(new RemoteAddress(end[0]), behind);

        for (int i = 0; i < RUNS; i++) {
            State out = machine.call(function, ins.get(i));
            assertThat(withoutStack(out)).isEqualTo(withoutStack(expected.get(i)));
            assertThat(out.flags()).isEqualTo(expected.get(i).flags());
        }
        long called = ins.stream().filter(in -> in.get(Gpr.RBX) != 0).count();
        assertThat(called).isBetween(1L, RUNS - 1L);
        assertThat(behind.count()).isEqualTo(called);
        assertThat(behind.field(1)).isEqualTo(GETUID);
    }

    /** This thread's stack is as deep as it is. */
    private static long[] withoutStack(State state) {
        long[] registers = state.registers().clone();
        registers[Gpr.RSP.number()] = 0;
        return registers;
    }

    private void install(RemoteAddress end, Recorder behind) {
        byte[] lea = {0x48, (byte) 0x8d, (byte) 0xa9, 0, 0x10, 0, 0};
        X64Insn displaced = (X64Insn) X64Decoder.decode(lea, 0, end);
        ThunkKind kind = new ThunkKind(ProbeKind.SYSCALL_EXIT, StackUse.THREAD, Flags.LIVE);
        List<SyscallStubWriter.Call> calls = List.of(behind.call(kind, end, 0, OptionalInt.empty()));
        Stub.Written stub = (Stub.Written) new SyscallStubWriter(machine.nextInPool(), Flags.LIVE)
                .exit(calls, new Number.Kept(TAG, Ways.BRANCHES), end, List.of(displaced), displaced.end());
        machine.putInPool(stub.code().bytes());
        machine.patch(end.value(), stub.entry());
    }

    /** Every other one branches. */
    private State state(long value) {
        long[] registers = random.longs(16).toArray();
        registers[Gpr.RBX.number()] = value & value << 63 >> 63;
        return new State(registers, random.nextLong(), new long[0]);
    }

    private static BitSet words() {
        BitSet words = new BitSet();
        words.set(0, 3);
        return words;
    }
}
