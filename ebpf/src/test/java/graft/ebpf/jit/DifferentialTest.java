package graft.ebpf.jit;

import static org.assertj.core.api.Assertions.fail;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random programs give the same result in the interpreter and as machine code. */
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

    private static void compare(long firstSeed, int programs) {
        try (Engines engines = new Engines()) {
            for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
                InsnList program = RandomPrograms.program(seed);
                if (differs(engines, program)) {
                    fail("seed %d: interpreter and compiled code differ after%n%s", seed, reduce(engines, program));
                }
            }
        }
    }

    private static boolean differs(Engines engines, InsnList program) {
        return Engines.interpret(program) != engines.run(program);
    }

    /** The same program with everything turned into jumps to the next slot that does not matter. */
    private static String reduce(Engines engines, InsnList program) {
        List<Insn> insns = new ArrayList<>(program.insns());
        for (int at = 0; at < insns.size(); at++) {
            if (needed(insns.get(at))) {
                continue;
            }
            Insn removed = insns.set(at, new Insn.Jump(0));
            if (!differs(engines, InsnList.of(insns))) {
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
                || insn instanceof Insn.Alu alu && alu.src().equals(new Operand.Src(Reg.R10));
    }
}
