package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Assembler;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A tail call either goes on behind it, or never comes back to its function. */
class TailCallsTest {
    private static final String CALL = """
            r2 = map[programs]
            r3 = 0
            call bpf_tail_call
            """;
    private static final String OUT_OF_BOUNDS = "r0 = *(u64 *)(r10 +8)\n";

    @Test
    void aFunctionThatMakesOneMayReturnAnything() {
        String main = """
                call part
                if r0 == 0 goto fine
                """ + OUT_OF_BOUNDS + """
                fine:
                r0 = 0
                exit
                part:
                """ + CALL + "r0 = 0\nexit";
        assertThat(verdict(main)).isInstanceOf(Verdict.Rejected.class);
        assertThat(verdict(main.replace("call bpf_tail_call", "r0 = 1"))).isInstanceOf(Verdict.Accepted.class);
    }

    @Test
    void whatTheFunctionDoesBehindItMayBeLeftOut() {
        String main = """
                *(u64 *)(r10 -8) = 1
                r2 = r10
                call part
                r1 = *(u64 *)(r10 -8)
                if r1 == 2 goto fine
                """ + OUT_OF_BOUNDS + """
                fine:
                r0 = 0
                exit
                part:
                r6 = r2
                """ + CALL + "*(u64 *)(r6 -8) = 2\nr0 = 0\nexit";
        assertThat(verdict(main)).isInstanceOf(Verdict.Rejected.class);
        assertThat(verdict(main.replace("call bpf_tail_call", "r0 = 1"))).isInstanceOf(Verdict.Accepted.class);
    }

    @Test
    void theProgramEndsWithOneOrGoesOn() {
        assertThat(verdict(CALL + "r0 = 0\nexit")).isInstanceOf(Verdict.Accepted.class);
        assertThat(verdict(CALL + OUT_OF_BOUNDS + "exit")).isInstanceOf(Verdict.Rejected.class);
    }

    private static Verdict verdict(String text) {
        InsnList insns = switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled done -> done.insns();
            case Assembler.Result.Refused refused -> throw new AssertionError(refused + " in\n" + text);
        };
        Map<String, MapSpec> maps = Map.of("programs", MapSpec.of("programs", MapType.PROG_ARRAY, 4, 4, 4));
        return Verifier.of(maps).verify(RawProgram.of("calling", ProgType.UPROBE, insns));
    }
}
