package graft.daemon.image;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CachedCompilerTest {
    private final CachedCompiler compiler = new CachedCompiler(new X64ProgramCompiler());

    private Compilation compile(long result, long address) {
        InsnList insns = InsnList.of(new Insn.LoadWide(Reg.R0, new Wide.Constant(result)), new Insn.Exit());
        ProgSpec program = new ProgSpec(
                "answer",
                "uprobe",
                ProgType.UPROBE,
                Optional.empty(),
                insns,
                List.of(new ProgSpec.Function("answer", 0, insns.slots(), 0)),
                List.of(),
                "GPL");
        Verdict verdict = Verifier.of(Map.of()).verify(program);
        assertThat(verdict).isInstanceOf(Verdict.Accepted.class);
        return compiler.compile(program, ((Verdict.Accepted) verdict).facts(), TargetBinding.NONE, address);
    }

    @Test
    void equalContentIsCompiledOnce() {
        assertThat(compile(42, 0x1000)).isSameAs(compile(42, 0x1000));
    }

    @Test
    void otherContentOrPlaceIsCompiledAnew() {
        Compilation first = compile(42, 0x1000);
        assertThat(compile(43, 0x1000)).isNotEqualTo(first);
        assertThat(compile(42, 0x2000)).isNotSameAs(first);
    }
}
