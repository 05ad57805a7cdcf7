package graft.cli.fuzz;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.verifier.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs cases in the interpreter, as machine code and in the kernel. Needs root. */
final class VmComparison implements AutoCloseable {
    private final UserEngines user = new UserEngines();
    private final KernelEngine kernel = new KernelEngine();

    /** What came of one case. */
    sealed interface Result {
        /** All three engines agree. */
        record Same() implements Result {}

        /** They agree, but graft's verifier had refused the program that the kernel takes. */
        record TooStrict(String why) implements Result {}

        /** The kernel refused the program, so there is nothing to compare: the generator is wrong. */
        record NotTaken(String why) implements Result {}

        /** Two engines disagree. */
        record Different(String how) implements Result {}
    }

    Result compare(FuzzCase one) {
        Verdict verdict = user.verdict(one);
        Ending expected = kernel.run(one);
        if (expected instanceof Ending.Failed(String why)) {
            return new Result.NotTaken(why + "\n" + kernel.log(one));
        }
        Optional<String> difference = difference(one, verdict, expected);
        if (difference.isPresent()) {
            return new Result.Different(difference.get());
        }
        return switch (verdict) {
            case Verdict.Accepted _ -> new Result.Same();
            case Verdict.Rejected(var rejection) -> new Result.TooStrict(rejection.render());
        };
    }

    private Optional<String> difference(FuzzCase one, Verdict verdict, Ending expected) {
        Ending interpreted = user.interpret(one);
        if (!interpreted.equals(expected)) {
            return Optional.of("kernel and interpreter: " + Ending.difference(expected, interpreted));
        }
        Ending compiled = user.compiled(one, verdict);
        return compiled.equals(expected)
                ? Optional.empty()
                : Optional.of("kernel and machine code: " + Ending.difference(expected, compiled));
    }

    /** The text of a case that differs, with everything left out without which the same two engines differ. */
    String reduced(FuzzCase one) {
        String engines = engines(one);
        List<Insn> insns = new ArrayList<>(one.insns().insns());
        for (int at = 0; at < insns.size(); at++) {
            if (insns.get(at) instanceof Insn.Exit || insns.get(at).slots() != 1) {
                continue;
            }
            Insn removed = insns.set(at, new Insn.Jump(0));
            if (!engines(one.with(InsnList.of(insns))).equals(engines)) {
                insns.set(at, removed);
            }
        }
        FuzzCase least = one.with(InsnList.of(insns));
        StringBuilder text = new StringBuilder();
        if (compare(least) instanceof Result.Different(String how)) {
            text.append(how).append('\n');
        }
        Disassembler.text(least.insns())
                .lines()
                .filter(line -> !line.endsWith("goto pc+0"))
                .forEach(line -> text.append(line).append('\n'));
        return text.toString();
    }

    /** Which two engines differ; empty when none do. */
    private String engines(FuzzCase one) {
        return compare(one) instanceof Result.Different(String how) ? how.substring(0, how.indexOf(':')) : "";
    }

    @Override
    public void close() {
        kernel.close();
        user.close();
    }
}
