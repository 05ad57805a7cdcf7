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
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.Regions;
import graft.ebpf.jit.CompiledProgram.BelowContext;
import graft.ebpf.jit.CompiledProgram.Calls;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.asm.x86_64.Gpr;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class X64ProgramCompilerTest {
    private static final long CODE = 0x7f00_0000_1000L;
    private static final Insn EXIT = new Insn.Exit();

    private static Insn mov(Reg dst, int value) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, new Operand.Imm(value));
    }

    private static Insn mov(Reg dst, Reg src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, new Operand.Src(src));
    }

    private static Insn add(Reg dst, int value) {
        return new Insn.Alu(AluOp.ADD, Width.W64, dst, new Operand.Imm(value));
    }

    private static CompiledProgram compile(InsnList insns, Facts facts, TargetBinding binding) {
        Compilation compilation = new X64ProgramCompiler().compile(Engines.spec(insns), facts, binding, CODE);
        assertThat(compilation).isInstanceOf(Compilation.Compiled.class);
        return ((Compilation.Compiled) compilation).program();
    }

    private static Facts plainFacts(InsnList insns) {
        return Engines.facts(insns, Map.of(), Map.of());
    }

    @Test
    void compilesTheEmptyProgramToTwoInstructions() {
        InsnList insns = InsnList.of(mov(Reg.R0, 0), EXIT);
        CompiledProgram program = compile(insns, plainFacts(insns), TargetBinding.NONE);
        assertThat(HexFormat.of().formatHex(program.code())).isEqualTo("31c0c3");
        assertThat(program.clobbers()).containsExactly(Gpr.RAX);
        assertThat(program.calls()).isEqualTo(Calls.NONE);
        assertThat(program.stackBytes()).isEqualTo(8);
    }

    @Test
    void savesOnlyTheCalleeSavedRegistersThatAreUsed() {
        Insn time = new Insn.CallHelper(Helper.KTIME_GET_NS.number());
        InsnList insns = InsnList.of(
                time,
                mov(Reg.R6, Reg.R0),
                time,
                new Insn.Alu(AluOp.SUB, Width.W64, Reg.R0, new Operand.Src(Reg.R6)),
                EXIT);
        TargetBinding binding = new TargetBinding(
                Map.of(),
                Map.of(Helper.KTIME_GET_NS, CODE + 0x1000),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty());
        CompiledProgram program = compile(insns, plainFacts(insns), binding);
        assertThat(HexFormat.of().formatHex(program.code())).startsWith("53").endsWith("5bc3");
        assertThat(program.clobbers()).doesNotContain(Gpr.RBX);
    }

    @Test
    void savesNothingWhereAFreeRegisterServes() {
        InsnList insns = InsnList.of(mov(Reg.R6, Reg.R1), mov(Reg.R0, Reg.R6), EXIT);
        assertThat(HexFormat.of()
                        .formatHex(compile(insns, plainFacts(insns), TargetBinding.NONE)
                                .code()))
                .isEqualTo("4889f8c3");
    }

    @Test
    void givesEachLocalCallItsOwnFrame() {
        InsnList insns = InsnList.of(
                new Insn.Store(MemSize.DW, Reg.R10, (short) -8, new Operand.Imm(7)),
                mov(Reg.R6, 5),
                mov(Reg.R1, 3),
                new Insn.CallLocal(3),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R1, Reg.R10, (short) -8),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Src(Reg.R1)),
                EXIT,
                mov(Reg.R6, 100),
                new Insn.Store(MemSize.DW, Reg.R10, (short) -8, new Operand.Src(Reg.R1)),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R10, (short) -8),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Src(Reg.R6)),
                EXIT);
        ProgSpec program = Engines.spec(
                insns, List.of(new ProgSpec.Function("main", 0, 7, 0), new ProgSpec.Function("callee", 7, 5, 0)));
        Facts facts = Engines.facts(insns, Map.of(), Map.of(0, 8, 7, 8));
        try (Engines engines = new Engines()) {
            assertThat(engines.run(program, facts, TargetBinding.NONE, 0))
                    .isEqualTo(110)
                    .isEqualTo(Engines.interpret(insns));
        }
    }

    @Test
    void endsLoopsThatMayGoto() {
        InsnList insns =
                InsnList.of(mov(Reg.R0, 0), new Insn.MayGoto((short) 2), add(Reg.R0, 1), new Insn.Jump(-3), EXIT);
        try (Engines engines = new Engines()) {
            assertThat(engines.run(Engines.spec(insns), plainFacts(insns), TargetBinding.NONE, 0))
                    .isEqualTo(8 << 20);
        }
        Interpreter interpreter = new Interpreter(insns, new Regions(), Environment.none());
        assertThat(interpreter.run(0, 0, 1L << 30)).isEqualTo(8 << 20);
    }

    @Test
    void looksArrayElementsUpInPlace() {
        InsnList insns = InsnList.of(
                new Insn.Load(MemSize.W, Extension.ZERO, Reg.R2, Reg.R1, (short) 0),
                new Insn.Store(MemSize.W, Reg.R10, (short) -4, new Operand.Src(Reg.R2)),
                mov(Reg.R2, Reg.R10),
                add(Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.CallHelper(1),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 1),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R0, (short) 0),
                EXIT);
        try (Arena arena = Arena.ofConfined();
                Engines engines = new Engines()) {
            for (int stride : new int[] {8, 24}) {
                MemorySegment values = arena.allocate(4L * stride, 8);
                for (int i = 0; i < 4; i++) {
                    values.set(ValueLayout.JAVA_LONG, (long) i * stride, 100 + i);
                }
                MemorySegment context = arena.allocate(8, 8);
                Facts facts = Engines.facts(insns, Map.of(6, "counts"), Map.of(0, 8));
                for (int key : new int[] {0, 3, 4, -1}) {
                    context.set(ValueLayout.JAVA_INT, 0, key);
                    long result = engines.run(
                            Engines.spec(insns), facts, counts(values.address(), stride), context.address());
                    assertThat(result).isEqualTo(key >= 0 && key < 4 ? 100 + key : 0);
                }
            }
        }
    }

    private static TargetBinding counts(long data, int stride) {
        return new TargetBinding(
                Map.of("counts", new MapBinding(MapType.ARRAY, data - 64, data, 4, stride)),
                Map.of(),
                OptionalInt.of(4711),
                OptionalInt.of(0x2d0),
                OptionalInt.of(0x24));
    }

    private static InsnList constantLookup(int key) {
        return InsnList.of(
                mov(Reg.R1, key),
                new Insn.Store(MemSize.W, Reg.R10, (short) -4, new Operand.Src(Reg.R1)),
                mov(Reg.R2, Reg.R10),
                add(Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.CallHelper(1),
                EXIT);
    }

    @Test
    void foldsConstantKeysIntoTheAddress() {
        TargetBinding binding = counts(0x1234_0000, 8);
        Map<Integer, String> mapOfCall = Map.of(6, "counts");
        try (Engines engines = new Engines()) {
            InsnList third = constantLookup(3);
            Facts facts = Engines.facts(third, mapOfCall, Map.of(0, 8));
            assertThat(engines.run(Engines.spec(third), facts, binding, 0)).isEqualTo(0x1234_0018);
            assertThat(engines.run(Engines.spec(constantLookup(4)), facts, binding, 0))
                    .isZero();
        }
    }

    @Test
    void readsCookieAndAddressBelowTheContext() {
        InsnList insns = InsnList.of(
                mov(Reg.R6, Reg.R1),
                new Insn.CallHelper(Helper.GET_ATTACH_COOKIE.number()),
                mov(Reg.R7, Reg.R0),
                mov(Reg.R1, Reg.R6),
                new Insn.CallHelper(Helper.GET_FUNC_IP.number()),
                new Insn.Alu(AluOp.SUB, Width.W64, Reg.R0, new Operand.Src(Reg.R7)),
                EXIT);
        try (Arena arena = Arena.ofConfined();
                Engines engines = new Engines()) {
            MemorySegment memory = arena.allocate(24, 8);
            memory.set(ValueLayout.JAVA_LONG, 0, 1000);
            memory.set(ValueLayout.JAVA_LONG, 8, 5000);
            long result =
                    engines.run(Engines.spec(insns), plainFacts(insns), TargetBinding.NONE, memory.address() + 16);
            assertThat(result).isEqualTo(4000);
        }
        assertThat(compile(insns, plainFacts(insns), TargetBinding.NONE).inputs())
                .containsExactlyInAnyOrder(BelowContext.FUNCTION_IP, BelowContext.ATTACH_COOKIE);
    }

    @Test
    void overridingIsTwoStoresBelowTheContext() {
        InsnList insns = InsnList.of(
                mov(Reg.R6, Reg.R1),
                mov(Reg.R2, 77),
                new Insn.CallHelper(Helper.OVERRIDE_RETURN.number()),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Imm(5)),
                EXIT);
        try (Arena arena = Arena.ofConfined();
                Engines engines = new Engines()) {
            MemorySegment memory = arena.allocate(40, 8);
            memory.set(ValueLayout.JAVA_LONG, 32 + CompiledProgram.FUNCTION_RUNS, 1);
            long result =
                    engines.run(Engines.spec(insns), plainFacts(insns), TargetBinding.NONE, memory.address() + 32);
            assertThat(result).isEqualTo(5);
            assertThat(memory.get(ValueLayout.JAVA_LONG, 32 + CompiledProgram.FUNCTION_RUNS))
                    .isZero();
            assertThat(memory.get(ValueLayout.JAVA_LONG, 32 + CompiledProgram.OVERRIDING_RESULT))
                    .isEqualTo(77);
        }
        assertThat(compile(insns, plainFacts(insns), TargetBinding.NONE).calls())
                .isEqualTo(Calls.NONE);
    }

    @Test
    void foldsTheProcessIdAndReadsTheThreadId() {
        InsnList insns = InsnList.of(new Insn.CallHelper(Helper.GET_CURRENT_PID_TGID.number()), EXIT);
        CompiledProgram program = compile(insns, plainFacts(insns), counts(CODE + 0x1000, 8));
        assertThat(HexFormat.of().formatHex(program.code()))
                .isEqualTo("648b0425d0020000" + "49bb0000000067120000" + "4c09d8" + "c3");
        assertThat(program.calls()).isEqualTo(Calls.NONE);
    }

    @Test
    void callsTheAgentDirectlyAndKeepsTheStackAligned() {
        InsnList insns = InsnList.of(new Insn.CallHelper(Helper.KTIME_GET_NS.number()), EXIT);
        TargetBinding binding = new TargetBinding(
                Map.of(),
                Map.of(Helper.KTIME_GET_NS, CODE + 0x1000),
                OptionalInt.empty(),
                OptionalInt.empty(),
                OptionalInt.empty());
        CompiledProgram program = compile(insns, plainFacts(insns), binding);
        assertThat(HexFormat.of().formatHex(program.code())).isEqualTo("4883ec08" + "e8f70f0000" + "4883c408" + "c3");
        assertThat(program.calls()).isEqualTo(Calls.HELPERS);
        assertThat(program.clobbers())
                .contains(Gpr.RAX, Gpr.RCX, Gpr.RDX, Gpr.RSI, Gpr.RDI, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11);
    }

    @Test
    void refusesWhatItCannotCall() {
        InsnList insns = InsnList.of(new Insn.CallHelper(13), EXIT);
        assertThat(new X64ProgramCompiler()
                        .compile(Engines.spec(insns), plainFacts(insns), TargetBinding.NONE, CODE)
                        .toString())
                .isEqualTo(
                        "program random cannot be compiled: instruction 0 calls helper 13, which graft does not offer");
        InsnList time = InsnList.of(new Insn.CallHelper(5), EXIT);
        assertThat(new X64ProgramCompiler()
                        .compile(Engines.spec(time), plainFacts(time), TargetBinding.NONE, CODE)
                        .toString())
                .endsWith("instruction 0 calls KTIME_GET_NS, which the agent in the target does not have");
    }

    @Test
    void leavesDeadCodeOut() {
        InsnList insns = InsnList.of(
                mov(Reg.R0, 0),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 1),
                new Insn.Poison("no such field"),
                EXIT);
        Facts all = plainFacts(insns);
        var live = new java.util.BitSet();
        live.set(0, 2);
        live.set(3);
        Facts facts = new Facts(
                all.contextFields(),
                all.contextUse(),
                all.helpers(),
                Map.of(),
                Map.of(),
                0,
                1,
                0,
                live,
                live,
                new java.util.BitSet(),
                Facts.ArenaUse.NONE,
                Facts.OwnValues.NONE);
        assertThat(HexFormat.of()
                        .formatHex(compile(insns, facts, TargetBinding.NONE).code()))
                .isEqualTo("31c0c3");
    }
}
