package graft.rewriter.stub;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
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
import graft.platform.asm.x86_64.Unary;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.layout.PoolConstants;
import graft.rewriter.stub.Machine.State;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions whose calls are wrapped. */
class WrapExecutionTest {
    private static final int MARK = 0x8000;
    private static final int SECOND_MARK = 0x8008;

    private static final int DEEP = 15_000;

    @TempDir
    private Path folder;

    private final Machine machine = new Machine();
    private ReturnRoutines.Addresses routines = routines(Optional.empty());
    private final Recorder entry = Recorder.curious(machine, 0);
    private final Recorder exit = Recorder.curious(machine, 1);

    @AfterEach
    void unmap() {
        machine.close();
    }

    private ReturnRoutines.Addresses routines(Optional<RemoteAddress> pages) {
        ReturnRoutines.Written written = ReturnRoutines.write(machine.runtime(), pages, machine.nextInPool());
        assertThat(written.code().length()).isLessThanOrEqualTo(ReturnRoutines.MAX_BYTES);
        machine.putInPool(written.code().bytes());
        return written.addresses();
    }

    private void wrap(long function, byte[] text) {
        RemoteAddress ip = new RemoteAddress(function);
        List<ProbeCall> entries = List.of(entry.call(ProbeKind.ENTRY, ip, 1));
        List<ProbeCall> returns = List.of(exit.call(ProbeKind.RETURN, ip, 2));
        List<X64Insn> displaced = machine.covered(function, text);
        Stub.Written stub = (Stub.Written) new StubWriter(machine.nextInPool())
                .wrap(entries, returns, routines, displaced, displaced.getLast().end());
        machine.putInPool(stub.code().bytes());
        machine.patch(function, stub.entry());
    }

    private long wrapped(Consumer<X64Assembler> body) {
        byte[][] text = new byte[1][];
        long function = machine.text(out -> {
            body.accept(out);
            text[0] = out.finish();
        });
        wrap(function, text[0]);
        return function;
    }

    private static State state(long rdi) {
        long[] registers = new long[16];
        for (int i = 0; i < 16; i++) {
            registers[i] = 0x5151_0000_0000L + i;
        }
        registers[Gpr.RDI.number()] = rdi;
        return new State(registers, 0, new long[0]);
    }

    private static void sum(X64Assembler out) {
        sum(out, 0);
    }

    /** Sum of 0 to rdi, one frame for each, which takes {@code more} than its two words. */
    private static void sum(X64Assembler out, int more) {
        Label self = new Label("self");
        Label end = new Label("end");
        out.bind(self);
        out.push(Gpr.RBX);
        out.mov(OpSize.Q, (RegMem) Gpr.RBX, Gpr.RDI);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -more));
        out.mov(Gpr.RAX, 0);
        out.test(OpSize.Q, Gpr.RDI, Gpr.RDI);
        out.jcc(Cond.E, end);
        out.op(Unary.DEC, OpSize.Q, Gpr.RDI);
        out.call(self);
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.RAX, Gpr.RBX);
        out.bind(end);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, more));
        out.pop(Gpr.RBX);
        out.plain(Plain.RET);
    }

    private long missed() {
        return machine.runtimeWord(machine.runtime().missedReturns());
    }

    private long liveSlots() {
        long live = 0;
        for (int i = 0; i < PoolConstants.RETURN_SLOTS; i++) {
            live += machine.runtimeWord(machine.runtime().returnSlots().plus(16L * i + 8)) == 0 ? 0 : 1;
        }
        for (int i = 0; i < PoolConstants.TAIL_SLOTS; i++) {
            live += machine.runtimeWord(machine.runtime().tailSlots().plus(16L * i)) == 0 ? 0 : 1;
        }
        return live;
    }

    @Test
    void aReturnProbeSeesResultAndCallerAndKeepsEveryRegister() {
        long function = wrapped(out -> {
            out.push(Gpr.RBP);
            out.mov(OpSize.Q, (RegMem) Gpr.RBP, Gpr.RSP);
            out.lea(OpSize.Q, Gpr.RAX, Address.at(Gpr.RDI, Gpr.RDI, 2, 7));
            out.mov(Gpr.RDX, 99);
            out.plain(Plain.LEAVE);
            out.plain(Plain.RET);
        });
        State in = state(1000);
        State out = machine.call(function, in);
        long[] expected = in.registers().clone();
        expected[Gpr.RAX.number()] = 3007;
        expected[Gpr.RDX.number()] = 99;
        expected[Gpr.RSP.number()] = out.get(Gpr.RSP);
        assertThat(out.registers()).isEqualTo(expected);
        assertThat(entry.count()).isEqualTo(1);
        assertThat(exit.count()).isEqualTo(1);
        assertThat(exit.field(10)).isEqualTo(3007);
        assertThat(exit.field(12)).isEqualTo(99);
        assertThat(exit.field(19)).isEqualTo(out.get(Gpr.RSP));
        assertThat(exit.functionIp()).isEqualTo(function);
        assertThat(exit.cookie()).isEqualTo(2);
        assertThat(exit.stack() & 15).isEqualTo(8);
        assertThat(liveSlots()).isZero();
    }

    /** Frames of any size fill the table before one call is missed. */
    @ParameterizedTest
    @ValueSource(ints = {16, 32, 48, 64, 80, 112, 256})
    void aThousandLevelsAreWrappedWhateverTheirFramesTake(int frame) {
        long function = wrapped(out -> sum(out, frame - 16));
        assertThat(machine.call(function, state(1000)).get(Gpr.RAX)).isEqualTo(1000 * 1001 / 2);
        assertThat(exit.count()).isEqualTo(1001);
        assertThat(missed()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1000, 8000})
    void everyLevelOfARecursionIsWrappedOrCounted(int depth) {
        long function = wrapped(WrapExecutionTest::sum);
        for (int round = 1; round <= 3; round++) {
            State out = machine.call(function, state(depth));
            assertThat(out.get(Gpr.RAX)).isEqualTo(depth * (depth + 1L) / 2);
            assertThat(entry.count()).isEqualTo(round * (depth + 1L));
            assertThat(exit.count() + missed()).isEqualTo(round * (depth + 1L));
            assertThat(liveSlots()).isZero();
        }
        if (depth > PoolConstants.RETURN_SLOTS) {
            assertThat(missed()).isPositive();
        }
    }

    /** From here on wrapped calls have pages. @return their memory, which is not there until it is used */
    private MemorySegment usePages() throws IOException {
        Path file = folder.resolve("pages");
        try (FileChannel sparse =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment pages =
                    sparse.map(FileChannel.MapMode.PRIVATE, 0, PoolConstants.RETURN_PAGES_SIZE, Arena.ofAuto());
            routines = routines(Optional.of(new RemoteAddress(pages.address())));
            return pages;
        }
    }

    private static long liveWords(MemorySegment pages) {
        long live = 0;
        for (long page = 0; page < PoolConstants.RETURN_PAGES; page++) {
            long at = 8L * PoolConstants.RETURN_PAGES + 4096 * page;
            for (int word = 0; pages.getAtIndex(JAVA_LONG, page) != 0 && word < 512; word++) {
                live += pages.get(JAVA_LONG, at + 8 * word) == 0 ? 0 : 1;
            }
        }
        return live;
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 24, 40})
    void everyLevelOfADeepRecursionIsWrapped(int frame) throws IOException {
        MemorySegment pages = usePages();
        long function = wrapped(out -> sum(out, frame - 16));
        for (int round = 1; round <= 3; round++) {
            State out = machine.call(function, state(DEEP));
            assertThat(out.get(Gpr.RAX)).isEqualTo(DEEP * (DEEP + 1L) / 2);
            assertThat(exit.count()).isEqualTo(round * (DEEP + 1L));
            assertThat(missed()).isZero();
            assertThat(liveSlots()).isZero();
            assertThat(liveWords(pages)).isZero();
        }
        long used = machine.runtimeWord(machine.runtime().returnPagesUsed());
        assertThat(used).isBetween(1L, DEEP * frame / 4096L + 2);
    }

    /** A recursion whose returns are skipped leaves words, which the next one takes. */
    @Test
    void aDeepRecursionThatLongjmpLeavesIsForgotten() throws IOException {
        MemorySegment pages = usePages();
        Label landing = new Label("landing");
        long jumper = wrapped(out -> deepJump(out));
        long caller = machine.text(out -> {
            out.push(Gpr.RBX);
            out.mov(OpSize.Q, machine.scratch(MARK), Gpr.RSP);
            out.lea(OpSize.Q, Gpr.RAX, Address.of(landing));
            out.mov(OpSize.Q, machine.scratch(SECOND_MARK), Gpr.RAX);
            out.call(jumper);
            out.bind(landing);
            out.pop(Gpr.RBX);
            out.plain(Plain.RET);
        });
        for (int round = 1; round <= 3; round++) {
            machine.call(caller, state(DEEP));
            assertThat(entry.count()).isEqualTo(round * (DEEP + 1L));
            assertThat(exit.count()).isZero();
            assertThat(missed()).isZero();
            assertThat(liveSlots() + liveWords(pages)).isEqualTo(DEEP + 1L);
        }
    }

    /** Calls itself rdi times and jumps to where it was asked to. */
    private void deepJump(X64Assembler out) {
        Label self = new Label("self");
        Label end = new Label("end");
        out.bind(self);
        out.push(Gpr.RBX);
        out.test(OpSize.Q, Gpr.RDI, Gpr.RDI);
        out.bytes(new byte[] {0x0f, 0x1f, 0x00});
        out.jcc(Cond.E, end);
        out.op(Unary.DEC, OpSize.Q, Gpr.RDI);
        out.call(self);
        out.bind(end);
        out.mov(OpSize.Q, Gpr.RSP, machine.scratch(MARK));
        out.jmp(machine.scratch(SECOND_MARK));
    }

    @Test
    void aFrameSkippedByLongjmpGivesItsSlotBack() {
        Label landing = new Label("landing");
        long jumper = wrapped(out -> {
            Label back = new Label("normal");
            out.test(OpSize.Q, Gpr.RDI, Gpr.RDI);
            out.bytes(new byte[] {0x0f, 0x1f, 0x00});
            out.jcc(Cond.E, back);
            out.mov(OpSize.Q, Gpr.RSP, machine.scratch(MARK));
            out.jmp(machine.scratch(SECOND_MARK));
            out.bind(back);
            out.mov(Gpr.RAX, 11);
            out.plain(Plain.RET);
        });
        long caller = machine.text(out -> {
            out.push(Gpr.RBX);
            out.mov(OpSize.Q, machine.scratch(MARK), Gpr.RSP);
            out.lea(OpSize.Q, Gpr.RAX, Address.of(landing));
            out.mov(OpSize.Q, machine.scratch(SECOND_MARK), Gpr.RAX);
            out.call(jumper);
            out.bind(landing);
            out.mov(Gpr.RDI, 0);
            out.call(jumper);
            out.pop(Gpr.RBX);
            out.plain(Plain.RET);
        });
        for (int i = 1; i <= 100; i++) {
            assertThat(machine.call(caller, state(1)).get(Gpr.RAX)).isEqualTo(11);
            assertThat(entry.count()).isEqualTo(2L * i);
            assertThat(exit.count()).isEqualTo(i);
        }
        assertThat(liveSlots()).isZero();
        assertThat(missed()).isZero();
    }

    /** {@code length} functions, each of which jumps to the next; the last one adds up. */
    private long chain(int length) {
        long next = wrapped(WrapExecutionTest::sum);
        for (int i = 1; i < length; i++) {
            long target = next;
            next = wrapped(out -> {
                out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 1));
                out.nop(1);
                out.jmp(target);
            });
        }
        return next;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 8})
    void functionsThatTailJumpToEachOtherReturnOnceEach(int length) {
        long outer = chain(length);
        long levels = length; // The last one calls itself as often as the others have added 1.
        for (int round = 1; round <= 3; round++) {
            assertThat(machine.call(outer, state(0)).get(Gpr.RAX)).isEqualTo((levels - 1) * levels / 2);
            assertThat(entry.count()).isEqualTo(round * (2 * levels - 1));
            assertThat(exit.count()).isEqualTo(round * (2 * levels - 1));
            assertThat(missed()).isZero();
            assertThat(liveSlots()).isZero();
        }
    }

    @Test
    void theNinthFunctionOfAChainIsCounted() {
        long outer = chain(9);
        assertThat(machine.call(outer, state(0)).get(Gpr.RAX)).isEqualTo(36);
        assertThat(entry.count()).isEqualTo(17);
        assertThat(exit.count()).isEqualTo(16);
        assertThat(missed()).isEqualTo(1);
        assertThat(liveSlots()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {9, 63, 64, 65})
    void withPagesChainsHaveSixtyFourFunctions(int length) throws IOException {
        MemorySegment pages = usePages();
        long outer = chain(length);
        for (int round = 1; round <= 3; round++) {
            long expected = round * (2L * length - 1);
            assertThat(machine.call(outer, state(0)).get(Gpr.RAX)).isEqualTo(length * (length - 1L) / 2);
            assertThat(entry.count()).isEqualTo(expected);
            assertThat(missed()).isEqualTo(length > PoolConstants.TAILS ? round : 0);
            assertThat(exit.count()).isEqualTo(expected - missed());
            assertThat(liveSlots() + liveWords(pages)).isZero();
        }
    }

    /** Of two or three functions that jump to each other, the last calls the first, as often as there is no room for otherwise. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void everyLevelOfADeepRecursionWithTailJumpsIsWrapped(int length) throws IOException {
        MemorySegment pages = usePages();
        long next = wrapped(this::sumByTheFirst);
        for (int i = 1; i < length; i++) {
            long target = next;
            next = wrapped(out -> {
                out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 0));
                out.nop(1);
                out.jmp(target);
            });
        }
        long first = next;
        long caller = machine.text(out -> {
            out.mov(Gpr.RAX, first);
            out.mov(OpSize.Q, machine.scratch(MARK), Gpr.RAX);
            out.jmp(first);
        });
        for (int round = 1; round <= 3; round++) {
            assertThat(machine.call(caller, state(DEEP)).get(Gpr.RAX)).isEqualTo(DEEP * (DEEP + 1L) / 2);
            assertThat(exit.count()).isEqualTo(round * length * (DEEP + 1L));
            assertThat(missed()).isZero();
            assertThat(liveSlots() + liveWords(pages)).isZero();
        }
    }

    /** Sum of 0 to rdi, by calls of the function that is marked. */
    private void sumByTheFirst(X64Assembler out) {
        Label end = new Label("end");
        out.push(Gpr.RBX);
        out.mov(OpSize.Q, (RegMem) Gpr.RBX, Gpr.RDI);
        out.mov(Gpr.RAX, 0);
        out.test(OpSize.Q, Gpr.RDI, Gpr.RDI);
        out.jcc(Cond.E, end);
        out.op(Unary.DEC, OpSize.Q, Gpr.RDI);
        out.call(machine.scratch(MARK));
        out.op(Arith.ADD, OpSize.Q, (RegMem) Gpr.RAX, Gpr.RBX);
        out.bind(end);
        out.pop(Gpr.RBX);
        out.plain(Plain.RET);
    }

    @Test
    void aChainThatLongjmpLeavesIsForgotten() {
        Label landing = new Label("landing");
        long jumper = wrapped(out -> {
            Label back = new Label("normal");
            out.test(OpSize.Q, Gpr.RDI, Gpr.RDI);
            out.bytes(new byte[] {0x0f, 0x1f, 0x00});
            out.jcc(Cond.E, back);
            out.mov(OpSize.Q, Gpr.RSP, machine.scratch(MARK));
            out.jmp(machine.scratch(SECOND_MARK));
            out.bind(back);
            out.mov(Gpr.RAX, 11);
            out.plain(Plain.RET);
        });
        long outer = wrapped(out -> {
            out.lea(OpSize.Q, Gpr.RDI, Address.at(Gpr.RDI, 0));
            out.nop(1);
            out.jmp(jumper);
        });
        long caller = machine.text(out -> {
            out.push(Gpr.RBX);
            out.mov(OpSize.Q, machine.scratch(MARK), Gpr.RSP);
            out.lea(OpSize.Q, Gpr.RAX, Address.of(landing));
            out.mov(OpSize.Q, machine.scratch(SECOND_MARK), Gpr.RAX);
            out.call(outer);
            out.bind(landing);
            out.mov(Gpr.RDI, 0);
            out.call(outer);
            out.pop(Gpr.RBX);
            out.plain(Plain.RET);
        });
        for (int i = 1; i <= 100; i++) {
            assertThat(machine.call(caller, state(1)).get(Gpr.RAX)).isEqualTo(11);
            assertThat(entry.count()).isEqualTo(4L * i);
            assertThat(exit.count()).isEqualTo(2L * i);
        }
        assertThat(liveSlots()).isZero();
        assertThat(missed()).isZero();
    }

    @Test
    void aCallThatOutlivesTheProbesStillReturns() {
        long function = wrapped(out -> {
            out.mov(OpSize.D, new Address.Absolute(machine.runtime().active().value()), 0);
            out.mov(Gpr.RAX, 21);
            out.plain(Plain.RET);
        });
        assertThat(machine.call(function, state(0)).get(Gpr.RAX)).isEqualTo(21);
        assertThat(machine.call(function, state(0)).get(Gpr.RAX)).isEqualTo(21);
        assertThat(entry.count()).isEqualTo(1);
        assertThat(exit.count()).isZero();
        assertThat(missed()).isZero();
        assertThat(liveSlots()).isZero();
    }
}
