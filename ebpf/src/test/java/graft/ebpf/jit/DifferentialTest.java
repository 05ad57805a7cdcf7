package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.fail;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.platform.linux.BpfProgram;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random programs give the same result in the interpreter, as machine code and in the kernel (which needs root). */
class DifferentialTest {
    @Test
    void compiledCodeAgreesWithTheInterpreter() {
        compare(1, 5_000);
    }

    @Test
    @Tag("slow")
    void compiledCodeAgreesWithTheInterpreterOnManyMore() {
        compare(1_000_000, 20_000);
    }

    @Test
    void codeForThisMachineAgreesWithTheInterpreter() {
        try (Engines engines = new Engines(X64ProgramCompiler.forThisMachine())) {
            compare(6_000, 5_000, program -> Engines.interpret(program) != engines.run(program));
        }
    }

    @Test
    @Tag("slow")
    void codeForThisMachineAgreesWithTheInterpreterOnManyMore() {
        try (Engines engines = new Engines(X64ProgramCompiler.forThisMachine())) {
            compare(3_000_000, 20_000, program -> Engines.interpret(program) != engines.run(program));
        }
    }

    @Test
    void theInterpreterAgreesWithTheKernel() {
        compareWithKernel(1, 1_000);
    }

    @Test
    @Tag("slow")
    void compiledCodeAgreesWithTheKernelOnManyMore() {
        try (Engines engines = new Engines()) {
            compare(2_000_000, 20_000, program -> runInKernel(program) != (int) engines.run(program));
        }
    }

    private static void compareWithKernel(long firstSeed, int programs) {
        compare(firstSeed, programs, program -> runInKernel(program) != (int) Engines.interpret(program));
    }

    private static int runInKernel(InsnList program) {
        byte[] encoded = InsnEncoder.encode(program, SymbolEncoder.NONE);
        try (BpfProgram kernel = BpfProgram.load(BpfProgram.SOCKET_FILTER, encoded)) {
            return kernel.run(new byte[64]);
        }
    }

    private static void compare(long firstSeed, int programs) {
        try (Engines engines = new Engines()) {
            compare(firstSeed, programs, program -> Engines.interpret(program) != engines.run(program));
        }
    }

    private static void compare(long firstSeed, int programs, Predicate<InsnList> differs) {
        for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
            InsnList program = RandomPrograms.program(seed);
            if (differs.test(program)) {
                fail("seed %d: two engines differ after%n%s", seed, reduce(program, differs));
            }
        }
    }

    /** The same program with everything turned into jumps to the next slot that does not matter. */
    private static String reduce(InsnList program, Predicate<InsnList> differs) {
        List<Insn> insns = new ArrayList<>(program.insns());
        for (int at = 0; at < insns.size(); at++) {
            if (needed(insns.get(at))) {
                continue;
            }
            Insn removed = insns.set(at, new Insn.Jump(0));
            if (!differs.test(InsnList.of(insns))) {
                insns.set(at, removed);
            }
        }
        return insns.stream()
                .filter(insn -> !insn.equals(new Insn.Jump(0)))
                .map(Insn::toString)
                .collect(Collectors.joining("\n"));
    }

    private static boolean needed(Insn insn) {
        return insn instanceof Insn.Exit
                || insn instanceof Insn.LoadWide
                || insn instanceof Insn.Store store && store.size() == MemSize.DW
                || insn instanceof Insn.Alu alu && alu.src().equals(new Operand.Src(Reg.R10));
    }
}
