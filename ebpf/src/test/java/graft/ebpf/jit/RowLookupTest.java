package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.TargetBinding.Rows;
import graft.ebpf.jit.x86_64.MachineFeature;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.MapType;
import graft.ebpf.verifier.Facts;
import graft.platform.linux.Sysconf;
import graft.platform.proc.CpuFlags;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Lookups in arrays that have their values once for each processor. */
class RowLookupTest {
    private static final int ENTRIES = 4;
    private static final int ROW_BYTES = 256;
    private static final int CPUS = Sysconf.possibleCpus();

    /** Behind the thread pointer, low half of a pointer: never a processor's number. */
    private static final int NO_NUMBER = 0;

    private static final int CPU_ID = 4;
    private static final int MOVED = 1 << 20;

    private static Insn move(Reg dst, Reg src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, new Operand.Src(src));
    }

    private static Insn alu(AluOp op, Reg dst, int value) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Imm(value));
    }

    private static Insn alu(AluOp op, Reg dst, Reg src) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Src(src));
    }

    private static Insn processor() {
        return new Insn.CallHelper(Helper.GET_SMP_PROCESSOR_ID.number());
    }

    /** The value at the key minus 1000 for each processor before this one, or 77; marked if that changed meanwhile. */
    private static InsnList program(Insn key) {
        return InsnList.of(
                move(Reg.R8, Reg.R1),
                processor(),
                move(Reg.R6, Reg.R0),
                key,
                new Insn.Store(MemSize.W, Reg.R10, (short) -4, new Operand.Src(Reg.R2)),
                move(Reg.R2, Reg.R10),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("rows")),
                new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number()),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 9),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R7, Reg.R0, (short) 0),
                processor(),
                alu(AluOp.XOR, Reg.R0, Reg.R6),
                alu(AluOp.MUL, Reg.R0, MOVED),
                alu(AluOp.ADD, Reg.R0, Reg.R7),
                alu(AluOp.MUL, Reg.R6, 1000),
                alu(AluOp.SUB, Reg.R0, Reg.R6),
                new Insn.Exit(),
                alu(AluOp.MOV, Reg.R0, 0),
                alu(AluOp.MOV, Reg.R0, 77),
                new Insn.Exit());
    }

    private static final int LOOKUP = 9;

    private static MemorySegment values(Arena arena, int stride) {
        MemorySegment values = arena.allocate((long) CPUS * ROW_BYTES, 64);
        for (int cpu = 0; cpu < CPUS; cpu++) {
            for (int i = 0; i < ENTRIES; i++) {
                values.set(ValueLayout.JAVA_LONG, (long) cpu * ROW_BYTES + (long) i * stride, 1000L * cpu + i);
            }
        }
        return values;
    }

    private static TargetBinding binding(MemorySegment values, int stride, int cpuOffset) {
        MapBinding map = new MapBinding(
                MapType.PERCPU_ARRAY,
                64,
                values.address(),
                ENTRIES,
                stride,
                Optional.of(new Rows(ROW_BYTES, CPUS)),
                Optional.empty(),
                OptionalInt.empty());
        return new TargetBinding(
                Map.of("rows", map), Map.of(), OptionalInt.empty(), OptionalInt.empty(), OptionalInt.of(cpuOffset));
    }

    static int registeredNumber(Engines engines) {
        long symbol = Linker.nativeLinker()
                .defaultLookup()
                .find("__rseq_offset")
                .orElseThrow()
                .address();
        InsnList read =
                InsnList.of(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R1, (short) 0), new Insn.Exit());
        return (int) engines.run(Engines.spec(read), Engines.facts(read), TargetBinding.NONE, symbol) + CPU_ID;
    }

    private static long run(Engines engines, Insn key, TargetBinding binding, int context) {
        InsnList insns = program(key);
        Facts facts = Engines.facts(insns, Map.of(LOOKUP, "rows"), Map.of(0, 8));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(8, 8);
            memory.set(ValueLayout.JAVA_INT, 0, context);
            return engines.run(Engines.spec(insns), facts, binding, memory.address());
        }
    }

    private static long runOnOneProcessor(Engines engines, Insn key, TargetBinding binding, int context) {
        long result = run(engines, key, binding, context);
        while (Math.abs(result) >= MOVED / 2) {
            result = run(engines, key, binding, context);
        }
        return result;
    }

    private static Insn keyFromContext() {
        return new Insn.Load(MemSize.W, Extension.ZERO, Reg.R2, Reg.R8, (short) 0);
    }

    static Engines engines() {
        assumeThat(CpuFlags.ofThisMachine().has("rdpid")).isTrue();
        return new Engines(new X64ProgramCompiler(Set.of(MachineFeature.RDPID)));
    }

    @Test
    void findsTheValuesOfTheRunningProcessor() {
        try (Arena arena = Arena.ofConfined();
                Engines engines = engines()) {
            int number = registeredNumber(engines);
            for (int stride : List.of(8, 24)) {
                TargetBinding binding = binding(values(arena, stride), stride, number);
                for (int key : List.of(0, 3)) {
                    assertThat(runOnOneProcessor(engines, keyFromContext(), binding, key))
                            .isEqualTo(key);
                    assertThat(runOnOneProcessor(engines, alu(AluOp.MOV, Reg.R2, key), binding, 0))
                            .isEqualTo(key);
                }
                assertThat(run(engines, keyFromContext(), binding, 4)).isEqualTo(77);
                assertThat(run(engines, keyFromContext(), binding, -1)).isEqualTo(77);
                assertThat(run(engines, alu(AluOp.MOV, Reg.R2, 4), binding, 0)).isEqualTo(77);
            }
        }
    }

    @Test
    void aThreadWithoutANumberAsksTheProcessor() {
        InsnList insns = InsnList.of(
                alu(AluOp.MOV, Reg.R2, 2),
                new Insn.Store(MemSize.W, Reg.R10, (short) -4, new Operand.Src(Reg.R2)),
                move(Reg.R2, Reg.R10),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("rows")),
                new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number()),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R0, (short) 0),
                new Insn.Exit());
        Facts facts = Engines.facts(insns, Map.of(6, "rows"), Map.of(0, 8));
        try (Arena arena = Arena.ofConfined();
                Engines engines = engines()) {
            long value = engines.run(Engines.spec(insns), facts, binding(values(arena, 8), 8, NO_NUMBER), 0);
            assertThat(value % 1000).isEqualTo(2);
            assertThat(value / 1000).isBetween(0L, CPUS - 1L);
        }
    }
}
