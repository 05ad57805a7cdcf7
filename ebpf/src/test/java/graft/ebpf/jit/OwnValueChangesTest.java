package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
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
import graft.ebpf.interp.Regions;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.TargetBinding.Rows;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Facts;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import graft.platform.linux.Sysconf;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Numbers in values of the processor's own: threads that share a processor lose none of each other's changes. */
class OwnValueChangesTest {
    private static final int CPUS = Sysconf.possibleCpus();
    private static final int ROW_BYTES = 64;
    private static final int THREADS = 8;
    private static final int CALLS = 10_000;
    private static final int ROUNDS = 1_000;
    private static final long STACK_TOP = 0x7fff_0000_0000L;
    private static final int VALUE_BYTES = 32;
    private static final MapSpec MAP = MapSpec.of("rows", MapType.PERCPU_ARRAY, 4, VALUE_BYTES, 1);

    /**
     * Every round changes three numbers of one value: with a division between load and store, where a thread that loses
     * its processor is most of the time; with the number used afterwards; and by an atomic operation.
     */
    private static InsnList counting() {
        return InsnList.of(
                alu(AluOp.MOV, Reg.R6, ROUNDS),
                alu(AluOp.MOV, Reg.R7, -1),
                new Insn.Store(MemSize.W, Reg.R10, (short) -4, new Operand.Imm(0)),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R2, new Operand.Src(Reg.R10)),
                alu(AluOp.ADD, Reg.R2, -4),
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("rows")),
                new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number()),
                new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 15),
                load(MemSize.DW, Reg.R1, 0),
                divide(),
                alu(AluOp.ADD, Reg.R1, 1),
                divide(),
                store(MemSize.DW, 0, Reg.R1),
                load(MemSize.W, Reg.R1, 8),
                alu(AluOp.MOV, Reg.R3, 3),
                new Insn.Alu(AluOp.ADD, Width.W32, Reg.R3, new Operand.Src(Reg.R1)),
                store(MemSize.W, 8, Reg.R3),
                new Insn.Store(MemSize.DW, Reg.R0, (short) 24, new Operand.Src(Reg.R1)),
                alu(AluOp.MOV, Reg.R1, 1),
                new Insn.Atomic(AtomicOp.ADD, Fetch.NONE, MemSize.DW, Reg.R0, (short) 16, Reg.R1),
                alu(AluOp.SUB, Reg.R6, 1),
                new Insn.Branch(JumpOp.JNE, Width.W64, Reg.R6, new Operand.Imm(0), (short) -20),
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Src(Reg.R7)),
                new Insn.Exit());
    }

    private static Insn divide() {
        return new Insn.Alu(AluOp.DIV, Width.W64, Reg.R7, new Operand.Src(Reg.R6));
    }

    private static Insn load(MemSize size, Reg dst, int offset) {
        return new Insn.Load(size, Extension.ZERO, dst, Reg.R0, (short) offset);
    }

    private static Insn store(MemSize size, int offset, Reg src) {
        return new Insn.Store(size, Reg.R0, (short) offset, new Operand.Src(src));
    }

    private static Insn alu(AluOp op, Reg dst, int value) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Imm(value));
    }

    @Test
    @Tag("slow")
    void threadsOfOneProcessorCountExactly() throws Exception {
        try (Arena arena = Arena.ofShared();
                Engines engines = RowLookupTest.engines()) {
            MemorySegment values = arena.allocate((long) CPUS * ROW_BYTES, 64);
            MapBinding map = new MapBinding(
                    MapType.PERCPU_ARRAY,
                    64,
                    values.address(),
                    1,
                    VALUE_BYTES,
                    Optional.of(new Rows(ROW_BYTES, CPUS)),
                    Optional.empty(),
                    OptionalInt.empty());
            TargetBinding binding = new TargetBinding(
                    Map.of("rows", map),
                    Map.of(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    OptionalInt.of(RowLookupTest.registeredNumber(engines)));
            ProgSpec program = Engines.spec(counting());
            CompiledProgram compiled = engines.place(program, facts(program), binding);
            inThreads(() -> engines.call(compiled, 0));
            long calls = (long) THREADS * CALLS * ROUNDS;
            assertThat(sum(values, 16)).isEqualTo(calls);
            assertThat(sum(values, 0)).isEqualTo(calls);
            assertThat((int) sum(values, 8)).isEqualTo((int) (3 * calls));
        }
    }

    private static Facts facts(ProgSpec program) {
        return switch (Verifier.of(Map.of("rows", MAP)).verify(program, new ContextLayout("the context", 0, 0))) {
            case Verdict.Accepted(Facts facts) -> facts;
            case Verdict.Rejected(var rejection) -> throw new AssertionError(rejection.render());
        };
    }

    private static void inThreads(Runnable call) throws Exception {
        try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                running.add(pool.submit(() -> {
                    for (int k = 0; k < CALLS; k++) {
                        call.run();
                    }
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        }
    }

    private static long sum(MemorySegment values, long offset) {
        long sum = 0;
        for (int cpu = 0; cpu < CPUS; cpu++) {
            sum += values.get(ValueLayout.JAVA_LONG, (long) cpu * ROW_BYTES + offset);
        }
        return sum;
    }

    @Test
    void oneThreadSeesNoDifference() {
        Random random = new Random(11);
        try (Arena arena = Arena.ofConfined();
                Engines engines = new Engines()) {
            MemorySegment memory = arena.allocate(VALUE_BYTES, 16);
            for (int round = 0; round < 5_000; round++) {
                InsnList insns = changes(random);
                byte[] before = new byte[VALUE_BYTES];
                random.nextBytes(before);
                MemorySegment.copy(before, 0, memory, ValueLayout.JAVA_BYTE, 0, VALUE_BYTES);
                byte[] interpreted = before.clone();
                long expected = interpret(insns, memory.address(), interpreted);
                long result = engines.run(Engines.spec(insns), allOwn(insns), TargetBinding.NONE, memory.address());
                assertThat(result).as("%s", insns.insns()).isEqualTo(expected);
                assertThat(memory.toArray(ValueLayout.JAVA_BYTE))
                        .as("%s", insns.insns())
                        .isEqualTo(interpreted);
            }
        }
    }

    private static long interpret(InsnList insns, long address, byte[] memory) {
        Regions regions = new Regions().add(STACK_TOP - 512, new byte[512]).add(address, memory);
        return new Interpreter(insns, regions, Environment.none()).run(address, STACK_TOP, 10_000);
    }

    /** Loads, operations and stores in any order; all registers are in the result. */
    private static InsnList changes(Random random) {
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Src(Reg.R1)));
        for (int i = 1; i < 6; i++) {
            insns.add(new Insn.LoadWide(Reg.of(i), new Wide.Constant(random.nextLong())));
        }
        AluOp[] ops = {AluOp.ADD, AluOp.SUB, AluOp.AND, AluOp.OR, AluOp.XOR, AluOp.MOV, AluOp.MUL, AluOp.ADD};
        for (int i = 0; i < 20; i++) {
            MemSize size = random.nextInt(3) == 0 ? MemSize.W : MemSize.DW;
            int offset = size.bytes() * random.nextInt(random.nextBoolean() ? 2 : VALUE_BYTES / size.bytes());
            Reg reg = Reg.of(1 + random.nextInt(random.nextBoolean() ? 2 : 5));
            Reg other = Reg.of(1 + random.nextInt(5));
            switch (random.nextInt(4)) {
                case 0 -> insns.add(load(size, reg, offset));
                case 1 -> insns.add(store(size, offset, reg));
                default -> {
                    AluOp op = ops[random.nextInt(ops.length)];
                    Operand by = random.nextBoolean() ? new Operand.Src(other) : new Operand.Imm(random.nextInt(9) - 4);
                    Width width = random.nextInt(3) == 0 ? Width.W32 : Width.W64;
                    insns.add(new Insn.Alu(op, width, reg, by));
                }
            }
        }
        insns.add(alu(AluOp.MOV, Reg.R0, 0));
        for (int i = 1; i < 6; i++) {
            insns.add(alu(AluOp.MUL, Reg.R0, 31));
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Src(Reg.of(i))));
        }
        insns.add(new Insn.Exit());
        return InsnList.of(insns);
    }

    private static Facts allOwn(InsnList insns) {
        Facts facts = Engines.facts(insns);
        BitSet accesses = new BitSet();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot) && (insns.at(slot) instanceof Insn.Load || insns.at(slot) instanceof Insn.Store)) {
                accesses.set(slot);
            }
        }
        return new Facts(
                facts.contextFields(),
                facts.contextUse(),
                facts.helpers(),
                facts.mapOfCall(),
                facts.frameBytes(),
                facts.stackBytes(),
                facts.frames(),
                facts.walked(),
                facts.reachable(),
                facts.takenBranches(),
                facts.fallenBranches(),
                facts.arena(),
                new Facts.OwnValues(accesses, accesses));
    }
}
