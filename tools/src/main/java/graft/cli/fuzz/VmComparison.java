package graft.cli.fuzz;

import graft.ebpf.insn.Disassembler;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Reg;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Runs cases in the interpreter, as machine code and in the kernel. Needs root. */
final class VmComparison implements AutoCloseable {
    private static final Insn NOTHING = new Insn.Jump(0);

    private final UserEngines user = new UserEngines();
    private final KernelEngine kernel;

    /** A comparison with {@code kernel}, which stays the caller's. */
    VmComparison(KernelEngine kernel) {
        this.kernel = kernel;
    }

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
        UserEngines.Opinion opinion = user.opinion(one);
        Ending expected = kernel.run(one);
        if (expected instanceof Ending.Failed(String why)) {
            return new Result.NotTaken(why + "\n" + kernel.log(one));
        }
        if (opinion.refusal().isPresent()
                && one.insns().insns().stream().anyMatch(Insn.CastAddress.class::isInstance)) {
            // Without what the verifier finds out nobody knows what works on the arena.
            return new Result.TooStrict(opinion.refusal().orElseThrow());
        }
        Optional<String> difference = difference(one, opinion, expected);
        if (difference.isPresent()) {
            return new Result.Different(difference.get());
        }
        return opinion.refusal().<Result>map(Result.TooStrict::new).orElse(new Result.Same());
    }

    private Optional<String> difference(FuzzCase one, UserEngines.Opinion opinion, Ending expected) {
        Ending interpreted = ended(() -> user.interpret(one, opinion));
        if (!interpreted.equals(expected)) {
            return Optional.of("kernel and interpreter: " + Ending.difference(expected, interpreted));
        }
        Ending compiled = ended(() -> user.compiled(one, opinion));
        return compiled.equals(expected)
                ? Optional.empty()
                : Optional.of("kernel and machine code: " + Ending.difference(expected, compiled));
    }

    /** A fault of an engine is what is searched for: it is a finding, not the end of the search. */
    private static Ending ended(Supplier<Ending> engine) {
        try {
            return engine.get();
        } catch (RuntimeException | AssertionError fault) {
            return new Ending.Failed(fault.toString());
        }
    }

    /** The text of a case that differs, with everything left out without which the same two engines differ. */
    String reduced(FuzzCase one) {
        String engines = engines(one);
        FuzzCase least = one;
        for (FuzzCase before = null; !least.equals(before); ) {
            before = least;
            least = reduced(least, engines);
        }
        StringBuilder text = new StringBuilder();
        if (compare(least) instanceof Result.Different(String how)) {
            text.append(how).append('\n');
        }
        append(text, least.insns());
        least.other().ifPresent(other -> append(text.append("the other program:\n"), other));
        return text.toString();
    }

    private FuzzCase reduced(FuzzCase one, String engines) {
        FuzzCase least =
                one.with(reduced(one.insns(), insns -> engines(one.with(insns)).equals(engines)));
        if (least.other().isEmpty()) {
            return least;
        }
        FuzzCase first = least;
        InsnList other = least.other().orElseThrow();
        return first.withOther(
                reduced(other, insns -> engines(first.withOther(insns)).equals(engines)));
    }

    private static InsnList reduced(InsnList program, Predicate<InsnList> stillDiffers) {
        List<Insn> insns = new ArrayList<>(program.insns());
        for (int at = 0; at < insns.size(); at++) {
            if (isNeeded(insns.get(at))) {
                continue;
            }
            Insn removed = insns.set(at, NOTHING);
            if (!stillDiffers.test(InsnList.of(insns))) {
                insns.set(at, removed);
            }
        }
        return InsnList.of(insns);
    }

    /** Without its stores a program reads what happens to be on the stack, and then no two engines agree. */
    private static boolean isNeeded(Insn insn) {
        return insn.slots() != 1
                || insn.equals(NOTHING)
                || insn instanceof Insn.Exit
                || insn instanceof Insn.Store(MemSize size, Reg base, var _, var _)
                        && size == MemSize.DW
                        && base == Reg.R10;
    }

    private static void append(StringBuilder text, InsnList insns) {
        Disassembler.text(insns)
                .lines()
                .filter(line -> !line.endsWith("goto pc+0"))
                .forEach(line -> text.append(line).append('\n'));
    }

    /** Which two engines differ; empty when none do. */
    private String engines(FuzzCase one) {
        return compare(one) instanceof Result.Different(String how) ? how.substring(0, how.indexOf(':')) : "";
    }

    @Override
    public void close() {
        user.close();
    }
}
