package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding.StackBounds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reads of the main thread's stack in place; for the others a helper that says 99. */
class StackReadTest {
    private static final int NUMBER = 0x11223344;
    private static final long BY_HELPER = 99;
    private static final long TOP = 0x7fff_ffff_f000L;

    private static Insn move(Reg dst, Reg src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, new Operand.Src(src));
    }

    private static Insn alu(AluOp op, Reg dst, int value) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Imm(value));
    }

    /** What was read from behind 8 bytes of the program's frame, or from the address in the context if that is not 0. */
    private static InsnList program(int size) {
        return program(size, List.of(alu(AluOp.ADD, Reg.R3, -8)));
    }

    /** The same with the address made from the frame's end. */
    private static InsnList program(int size, List<Insn> address) {
        List<Insn> insns = new ArrayList<>(List.of(
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R3, Reg.R1, (short) 0),
                new Insn.Store(MemSize.DW, Reg.R10, (short) -8, new Operand.Imm(NUMBER)),
                new Insn.Store(MemSize.DW, Reg.R10, (short) -16, new Operand.Imm(-1)),
                new Insn.Branch(JumpOp.JNE, Width.W64, Reg.R3, new Operand.Imm(0), (short) (1 + address.size())),
                move(Reg.R3, Reg.R10)));
        insns.addAll(address);
        insns.addAll(List.of(
                move(Reg.R1, Reg.R10),
                alu(AluOp.ADD, Reg.R1, -16),
                alu(AluOp.MOV, Reg.R2, size),
                new Insn.CallHelper(Helper.PROBE_READ_USER.number()),
                new Insn.Branch(JumpOp.JNE, Width.W64, Reg.R0, new Operand.Imm(0), (short) 1),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R10, (short) -16),
                new Insn.Exit()));
        return InsnList.of(insns.toArray(Insn[]::new));
    }

    private static long run(int size, long from, long start, long end) {
        return run(program(size), from, start, end);
    }

    private static long run(InsnList insns, long from, long start, long end) {
        try (Engines engines = new Engines();
                Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocate(24, 8);
            words.set(ValueLayout.JAVA_LONG, 0, from);
            words.set(ValueLayout.JAVA_LONG, 8, start);
            words.set(ValueLayout.JAVA_LONG, 16, end);
            InsnList answer = InsnList.of(alu(AluOp.MOV, Reg.R0, (int) BY_HELPER), new Insn.Exit());
            CompiledProgram helper = engines.place(Engines.spec(answer), Engines.facts(answer), TargetBinding.NONE);
            TargetBinding binding = new TargetBinding(
                    Map.of(),
                    Map.of(Helper.PROBE_READ_USER, helper.address()),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.empty(),
                    Optional.of(new StackBounds(words.address() + 8, words.address() + 16)));
            return engines.run(Engines.spec(insns), Engines.facts(insns), binding, words.address());
        }
    }

    @Test
    void bytesAboveTheFrameAreReadInPlace() {
        assertThat(run(8, 0, 0, TOP)).isEqualTo(NUMBER);
        assertThat(run(4, 0, 0, TOP)).isEqualTo(0xffff_ffff_0000_0000L | NUMBER);
    }

    @ParameterizedTest
    @CsvSource({"2", "16", "0"})
    void otherSizesAreTheHelpers(int size) {
        assertThat(run(size, 0, 0, TOP)).isEqualTo(BY_HELPER);
    }

    /** A frame may lie in two pages; of two that are less than a page apart, at most one does. */
    @ParameterizedTest
    @CsvSource({"0, 0", "0, 4096", "0x7fffffffe000, 0x7ffffffff000"})
    void thePageOfTheFrameIsReadInPlaceOnAnyStack(String start, String end) {
        assertThat(List.of(runHere(start, end), runDeeper(start, end)))
                .contains((long) NUMBER)
                .isSubsetOf((long) NUMBER, BY_HELPER);
    }

    private static long runHere(String start, String end) {
        return run(8, 0, Long.decode(start), Long.decode(end));
    }

    private static long runDeeper(String start, String end) {
        return Stream.of(start).mapToLong(here -> runHere(here, end)).sum();
    }

    @Test
    void bytesOfTwoPagesOfOtherStacksAreTheHelpers() {
        assertThat(run(program(8, List.of(alu(AluOp.OR, Reg.R3, 4095), alu(AluOp.ADD, Reg.R3, -3))), 0, 0, 0))
                .isEqualTo(BY_HELPER);
    }

    @ParameterizedTest
    @CsvSource({"8", "0x7fffffffeff9", "0x7ffffffff000", "0x7fffffffffff", "-1", "-4", "0x8000000000000000"})
    void addressesBelowTheFrameAndBehindTheEndAreTheHelpers(String from) {
        long address = from.startsWith("0x") ? Long.parseUnsignedLong(from.substring(2), 16) : Long.parseLong(from);
        assertThat(run(8, address, 0, TOP)).isEqualTo(BY_HELPER);
    }
}
