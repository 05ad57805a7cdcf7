package graft.rewriter.stub;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random instructions run in place and moved, from the same state; nothing that they leave may differ. */
class RelocationExecutionTest {
    private static final int WINDOWS = 500;
    private static final int SAVED_STACK = 0x1000;
    private static final int END_STACK = 0x1008;
    private static final int WHICH_END = 0x1010;
    private static final int RETURN_ADDRESS = 0x1018;
    private static final int TARGET_WORD = 0x1020;
    private static final int AREA = 0x4000;
    private static final int AREA_SIZE = 0x2000;
    private static final int MIDDLE = AREA + AREA_SIZE / 2;

    /** Everything that a window can have changed. */
    private record Outcome(
            List<Long> registers,
            long flags,
            List<Long> vectors,
            long whichEnd,
            long stackMoved,
            long returnAddress,
            String area) {}

    /** A window in the text, callable there, and the same window moved. */
    private record Subject(List<X64Insn> insns, long inPlace, long moved, long target) {
        @Override
        public String toString() {
            return insns.stream()
                    .map(insn -> HexFormat.of().formatHex(insn.bytes()))
                    .toList()
                    .toString();
        }
    }

    @ParameterizedTest
    @EnumSource
    void movedInstructionsDoWhatTheyDidInPlace(RandomWindow.End end) {
        SplittableRandom random = new SplittableRandom(41 + end.ordinal());
        Set<Long> ends = new HashSet<>();
        try (Machine machine = new Machine()) {
            for (int i = 0; i < WINDOWS; i++) {
                Subject subject = subject(machine, random, end);
                long seed = random.nextLong();
                Outcome inPlace = run(machine, subject, subject.inPlace(), seed);
                Outcome moved = run(machine, subject, subject.moved(), seed);
                assertThat(moved).as("window %d: %s", i, subject).isEqualTo(inPlace);
                ends.add(inPlace.whichEnd());
            }
        }
        assertThat(ends).isEqualTo(end.name().startsWith("JUMP") ? Set.of(2L) : Set.of(1L, 2L));
    }

    private static Subject subject(Machine machine, SplittableRandom random, RandomWindow.End end) {
        long helper = machine.text(out -> {
            out.pop(Gpr.R11);
            out.mov(OpSize.Q, machine.scratch(RETURN_ADDRESS), Gpr.R11);
            out.push(Gpr.R11);
            out.plain(Plain.RET);
        });
        int[] entry = new int[1];
        int[] window = new int[2];
        byte[][] text = new byte[1][];
        long exit = machine.text(out -> {
            long here = out.here();
            leave(machine, out, 2);
            entry[0] = out.position();
            enter(machine, out);
            window[0] = out.position();
            new RandomWindow(
                            random,
                            new RandomWindow.Places(
                                    machine.scratchAddress(MIDDLE), machine.scratchAddress(TARGET_WORD), here, helper))
                    .write(out, end);
            window[1] = out.position();
            leave(machine, out, 1);
            text[0] = out.finish();
        });
        List<X64Insn> insns = insns(Arrays.copyOfRange(text[0], window[0], window[1]), exit + window[0]);
        RemoteAddress moved = machine.pool(out -> {
            enter(machine, out);
            assertThat(new Relocator(out).relocate(insns)).isInstanceOf(Relocation.Done.class);
            out.jmp(exit + window[1]);
        });
        boolean calls = end.name().startsWith("CALL");
        return new Subject(insns, exit + entry[0], moved.value(), calls ? helper : exit);
    }

    private static void enter(Machine machine, X64Assembler out) {
        out.mov(OpSize.Q, machine.scratch(SAVED_STACK), Gpr.RSP);
    }

    private static void leave(Machine machine, X64Assembler out, int which) {
        out.mov(OpSize.D, machine.scratch(WHICH_END), which);
        out.mov(OpSize.Q, machine.scratch(END_STACK), Gpr.RSP);
        out.mov(OpSize.Q, Gpr.RSP, machine.scratch(SAVED_STACK));
        out.plain(Plain.RET);
    }

    private static List<X64Insn> insns(byte[] code, long address) {
        List<X64Insn> insns = new ArrayList<>();
        for (int at = 0; at < code.length; at += insns.getLast().length()) {
            insns.add((X64Insn) X64Decoder.decode(code, at, new RemoteAddress(address + at)));
        }
        return insns;
    }

    private static Outcome run(Machine machine, Subject subject, long function, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment area = machine.scratch().asSlice(AREA, AREA_SIZE);
        for (int i = 0; i < AREA_SIZE; i += Long.BYTES) {
            area.set(ValueLayout.JAVA_LONG, i, random.nextLong());
        }
        machine.scratch().set(ValueLayout.JAVA_LONG, TARGET_WORD, subject.target());
        machine.scratch().set(ValueLayout.JAVA_LONG, RETURN_ADDRESS, 0);
        machine.scratch().set(ValueLayout.JAVA_LONG, WHICH_END, 0);
        Machine.State after = machine.call(function, registers(machine, subject, random));
        long[] registers = after.registers().clone();
        registers[Gpr.RSP.number()] = 0;
        return new Outcome(
                Arrays.stream(registers).boxed().toList(),
                after.flags(),
                Arrays.stream(after.vectors()).boxed().toList(),
                machine.word(WHICH_END),
                machine.word(END_STACK) - machine.word(SAVED_STACK),
                machine.word(RETURN_ADDRESS),
                HexFormat.of().formatHex(area.toArray(ValueLayout.JAVA_BYTE)));
    }

    private static Machine.State registers(Machine machine, Subject subject, SplittableRandom random) {
        long[] registers = new long[16];
        Arrays.setAll(registers, _ -> random.nextLong());
        if (random.nextBoolean()) {
            registers[Gpr.RCX.number()] = random.nextInt(3);
        }
        registers[Gpr.RBX.number()] = machine.scratchAddress(MIDDLE);
        registers[Gpr.R13.number()] = machine.scratchAddress(MIDDLE + 64);
        registers[Gpr.R14.number()] = machine.scratchAddress(MIDDLE - 64);
        registers[Gpr.R15.number()] = random.nextInt(64);
        registers[Gpr.R12.number()] = subject.target();
        return new Machine.State(registers, random.nextLong(), new long[0]);
    }
}
