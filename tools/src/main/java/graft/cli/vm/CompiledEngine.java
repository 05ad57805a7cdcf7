package graft.cli.vm;

import graft.cli.vm.Runner.Answer;
import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.ProgramCompiler;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.Map;
import java.util.Optional;

/** Machine code, unverified, in a {@link Runner}. A program that kills the runner gets a new one for its successor. */
public final class CompiledEngine implements Engine {
    private static final int LIMIT_MILLIS = 5_000;
    private static final Map<Integer, String> SIGNALS =
            Map.of(4, "illegal instruction", 5, "trap", 7, "bus error", 8, "arithmetic fault", 11, "bad address");

    private final ProgramCompiler compiler = X64ProgramCompiler.forThisMachine();
    private Runner runner = Runner.start();

    /** Starts the first runner. */
    public CompiledEngine() {}

    @Override
    public Outcome run(ProgSpec program, byte[] memory) {
        return switch (compiler.compile(program, Facts.unverified(program), TargetBinding.NONE, runner.codeAddress())) {
            case Compilation.Refused refused -> new Outcome.Failed(refused.toString());
            case Compilation.Compiled(var compiled) -> run(compiled.code(), memory);
        };
    }

    private Outcome run(byte[] code, byte[] memory) {
        Optional<Answer> answer = runner.run(code, memory, LIMIT_MILLIS);
        if (answer.isEmpty()) {
            runner.close();
            runner = Runner.start();
            return new Outcome.Failed("the program destroyed the process that ran it");
        }
        return outcome(answer.get());
    }

    private static Outcome outcome(Answer answer) {
        return switch (answer.kind()) {
            case RETURNED -> new Outcome.Returned(answer.value(), answer.memory());
            case FAULTED -> new Outcome.Failed(SIGNALS.getOrDefault(answer.signal(), "signal " + answer.signal()));
            case TIMED_OUT -> new Outcome.Failed("no end after " + LIMIT_MILLIS / 1000 + " s of processor time");
            case BROKE_CONVENTION -> new Outcome.Failed("the code changed a register that a function must keep");
        };
    }

    @Override
    public void close() {
        runner.close();
    }
}
