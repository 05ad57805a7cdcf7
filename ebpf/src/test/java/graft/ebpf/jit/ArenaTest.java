package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.AddressCast;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
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
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.interp.Regions;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Facts;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory of an arena: the same in both engines, and outside of it there is nothing. */
class ArenaTest {
    private static final int PAGE = 4096;
    private static final MapSpec ARENA = MapSpec.of("arena", MapType.ARENA, 0, 0, 2);
    private static final long STACK_TOP = 0x7fff_0000_0000L;
    private static final long WITNESS = 0x1122_3344_5566_7788L;

    private final ArenaArea area = ArenaArea.of(ARENA);
    private final Engines engines = new Engines();

    @AfterEach
    void freeCode() {
        engines.close();
    }

    @Test
    void whatIsStoredIsLoadedAgain() {
        assertThat(both(List.of(
                        address(Reg.R1, 16),
                        access(Reg.R1),
                        new Insn.Store(MemSize.DW, Reg.R1, (short) 8, new Operand.Imm(77)),
                        load(Reg.R0, Reg.R1, 8),
                        new Insn.Exit())))
                .isEqualTo(77);
    }

    @Test
    void outsideLoadsGiveNothingAndStoresDoNothing() {
        assertThat(both(List.of(
                        address(Reg.R1, 2 * PAGE),
                        access(Reg.R1),
                        new Insn.Store(MemSize.DW, Reg.R1, (short) -4, new Operand.Imm(77)),
                        load(Reg.R0, Reg.R1, -4),
                        load(Reg.R2, Reg.R1, -8),
                        new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Src(Reg.R2)),
                        new Insn.Exit())))
                .isEqualTo(WITNESS);
    }

    @Test
    void aWordThatIsFetchedFromOutsideLeavesTheUpperHalf() {
        assertThat(both(List.of(
                        address(Reg.R1, 2 * PAGE),
                        access(Reg.R1),
                        new Insn.LoadWide(Reg.R0, new Wide.Constant(0x5_0000_0007L)),
                        new Insn.LoadWide(Reg.R2, new Wide.Constant(0x1_0000_0000L)),
                        new Insn.Atomic(AtomicOp.ADD, Fetch.OLD_VALUE, MemSize.W, Reg.R1, (short) 0, Reg.R0),
                        new Insn.Branch(JumpOp.JGE, Width.W64, Reg.R0, new Operand.Src(Reg.R2), (short) 1),
                        new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm(1)),
                        new Insn.Exit())))
                .isEqualTo(0x5_0000_0007L);
    }

    @Test
    void keptAddressesHaveTheirUpperHalfAgain() {
        assertThat(both(List.of(
                        address(Reg.R1, 40),
                        access(Reg.R1),
                        new Insn.CastAddress(AddressCast.TO_KEEP, Reg.R0, Reg.R1),
                        new Insn.Exit())))
                .isEqualTo(area.start() + 40);
        assertThat(both(List.of(
                        new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Imm(0)),
                        address(Reg.R2, 0),
                        access(Reg.R1),
                        new Insn.CastAddress(AddressCast.TO_KEEP, Reg.R0, Reg.R1),
                        new Insn.Exit())))
                .isZero();
    }

    @Test
    void enginesAgreeOnAnyAccess() {
        Random random = new Random(5);
        for (int round = 0; round < 2000; round++) {
            both(program(random));
        }
    }

    @Test
    void anInstructionWorksOnTheArenaOnAllPathsOrOnNone() {
        InsnList mixed = InsnList.of(List.of(
                address(Reg.R3, 0),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R2, new Operand.Src(Reg.R10)),
                new Insn.Alu(AluOp.ADD, Width.W64, Reg.R2, new Operand.Imm(-8)),
                new Insn.Store(MemSize.DW, Reg.R10, (short) -8, new Operand.Imm(1)),
                new Insn.CallHelper(7),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 2),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R6, new Operand.Src(Reg.R10)),
                new Insn.Jump(1),
                new Insn.CastAddress(AddressCast.TO_ACCESS, Reg.R6, Reg.R0),
                load(Reg.R0, Reg.R6, -8),
                new Insn.Exit()));
        assertThat(verdict(mixed))
                .isInstanceOfSatisfying(
                        Verdict.Rejected.class,
                        rejected -> assertThat(rejected.rejection().cause()).isEqualTo(Cause.BAD_INSTRUCTION));
    }

    private static List<Insn> program(Random random) {
        List<Insn> insns = new ArrayList<>();
        insns.add(address(Reg.R1, random.nextInt(2 * PAGE)));
        insns.add(new Insn.LoadWide(Reg.R2, new Wide.Constant(random.nextLong() >> random.nextInt(64))));
        insns.add(new Insn.LoadWide(Reg.R0, new Wide.Constant(random.nextLong())));
        insns.add(access(Reg.R1));
        if (random.nextInt(3) == 0) {
            AluOp[] ops = {AluOp.ADD, AluOp.SUB, AluOp.XOR, AluOp.AND, AluOp.OR, AluOp.MUL};
            Width width = random.nextBoolean() ? Width.W32 : Width.W64;
            Operand by =
                    random.nextBoolean() ? new Operand.Src(Reg.R2) : new Operand.Imm(random.nextInt(2 * PAGE) - PAGE);
            insns.add(new Insn.Alu(ops[random.nextInt(ops.length)], width, Reg.R1, by));
        }
        MemSize size = MemSize.values()[random.nextInt(4)];
        MemSize wide = random.nextBoolean() ? MemSize.W : MemSize.DW;
        short offset = (short) (random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(64) - 32);
        switch (random.nextInt(6)) {
            case 0 -> insns.add(new Insn.Store(size, Reg.R1, offset, new Operand.Src(Reg.R2)));
            case 1 -> insns.add(new Insn.Store(size, Reg.R1, offset, new Operand.Imm(random.nextInt())));
            case 2 -> insns.add(new Insn.Atomic(AtomicOp.CMPXCHG, Fetch.OLD_VALUE, wide, Reg.R1, offset, Reg.R2));
            case 3 -> insns.add(new Insn.Atomic(AtomicOp.ADD, Fetch.OLD_VALUE, wide, Reg.R1, offset, Reg.R0));
            case 4 -> insns.add(new Insn.Atomic(AtomicOp.XOR, Fetch.NONE, wide, Reg.R1, offset, Reg.R2));
            default -> insns.add(new Insn.Atomic(AtomicOp.XCHG, Fetch.OLD_VALUE, wide, Reg.R1, offset, Reg.R0));
        }
        boolean signed = size != MemSize.DW && random.nextBoolean();
        insns.add(new Insn.Load(size, signed ? Extension.SIGN : Extension.ZERO, Reg.R3, Reg.R1, offset));
        insns.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, new Operand.Src(Reg.R3)));
        insns.add(new Insn.CastAddress(AddressCast.TO_KEEP, Reg.R1, Reg.R1));
        insns.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, new Operand.Src(Reg.R1)));
        insns.add(new Insn.Exit());
        return insns;
    }

    private static Insn address(Reg dst, long offset) {
        return new Insn.LoadWide(dst, new Wide.MapValue("arena", offset));
    }

    private static Insn access(Reg reg) {
        return new Insn.CastAddress(AddressCast.TO_ACCESS, reg, reg);
    }

    private static Insn load(Reg dst, Reg base, int offset) {
        return new Insn.Load(MemSize.DW, Extension.ZERO, dst, base, (short) offset);
    }

    private static Verdict verdict(InsnList insns) {
        return Verifier.of(Map.of("arena", ARENA)).verify(Engines.spec(insns), new ContextLayout("nothing", 0, 0));
    }

    private byte[] content() {
        byte[] bytes = new byte[(int) area.bytes()];
        new Random(1).nextBytes(bytes);
        MemorySegment.ofArray(bytes).set(ValueLayout.JAVA_LONG_UNALIGNED, bytes.length - 8, WITNESS);
        return bytes;
    }

    /** What both engines answer; fails when they do not, or leave the arena in different states. */
    private long both(List<Insn> program) {
        InsnList insns = InsnList.of(program);
        if (!(verdict(insns) instanceof Verdict.Accepted(Facts facts))) {
            throw new AssertionError(verdict(insns));
        }
        byte[] interpreted = content();
        Regions regions = new Regions().add(STACK_TOP - 512, new byte[512]).add(area.start(), interpreted);
        long expected = new Interpreter(insns, regions, new Start(area.start()))
                .withArena(facts.arena())
                .run(0, STACK_TOP, 1000);
        try (Arena memory = Arena.ofConfined()) {
            MemorySegment data = memory.allocate(area.bytes(), 8).copyFrom(MemorySegment.ofArray(content()));
            TargetBinding binding = new TargetBinding(
                    Map.of("arena", new TargetBinding.MapBinding(MapType.ARENA, 0, data.address(), 2, 0)),
                    Map.of(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty());
            ProgSpec spec = Engines.spec(insns);
            assertThat(engines.run(spec, facts, binding, 0)).as("%s", program).isEqualTo(expected);
            assertThat(data.mismatch(MemorySegment.ofArray(interpreted)))
                    .as("%s", program)
                    .isEqualTo(-1);
        }
        return expected;
    }

    /** The address that instructions keep. */
    private record Start(long start) implements Environment {
        @Override
        public long call(int number, long[] arguments, Functions functions) {
            throw new ProgramFault("no helpers here: " + number);
        }

        @Override
        public long resolve(Wide value) {
            return value instanceof Wide.MapValue(var _, long offset) ? start + offset : 0;
        }
    }
}
