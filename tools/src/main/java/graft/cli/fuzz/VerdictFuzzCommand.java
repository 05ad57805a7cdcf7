package graft.cli.fuzz;

import graft.cli.fuzz.SafetyComparison.Result;
import graft.cli.option.HelpOptions;
import graft.ebpf.insn.InsnList;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft fuzz verdicts}: graft's verifier and the kernel's on generated programs. */
@Command(
        name = "verdicts",
        description = "Compares graft's verifier with the kernel's on programs that are safe or not by a hair.",
        footerHeading = "%nNeeds root. Everything can be repeated from its seed.%nExamples:%n",
        footer = {"  graft fuzz verdicts --programs 20000    a minute or more"})
final class VerdictFuzzCommand implements Callable<Integer> {
    private static final int SHOWN = 10;

    @Option(
            names = "--programs",
            paramLabel = "COUNT",
            defaultValue = "200000",
            description = "how many (default: 200,000)")
    private long programs;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0", description = "the first one (default: 0)")
    private long seed;

    @Mixin
    private HelpOptions options;

    @Override
    public Integer call() {
        Map<String, Integer> counts = new TreeMap<>();
        int unsound = 0;
        try (SafetyComparison comparison = new SafetyComparison()) {
            for (long at = seed; at < seed + programs; at++) {
                InsnList program = SafetyGenerator.program(at);
                Result result = comparison.compare(program);
                counts.merge(word(result), 1, Integer::sum);
                if (result instanceof Result.Unsound && ++unsound <= SHOWN) {
                    options.err().println("seed " + at + ": " + comparison.reduced(program));
                }
            }
        }
        options.out().printf(Locale.ROOT, "verdicts: %,d programs from seed %d%n", programs, seed);
        counts.forEach((word, count) -> options.out().printf(Locale.ROOT, "    %-50s %,8d%n", word, count));
        return unsound == 0 ? 0 : 1;
    }

    private static String word(Result result) {
        return switch (result) {
            case Result.BothTake _ -> "taken by both";
            case Result.BothRefuse _ -> "refused by both";
            case Result.Unsound _ -> "taken by graft, not safe for the kernel";
            case Result.MoreExact _ -> "taken by graft, bounds not known to the kernel";
            case Result.KernelGaveUp _ -> "taken by graft, too long for the kernel";
            case Result.TooLong _ -> "not asked, too long";
            case Result.TooStrict _ -> "refused by graft only";
        };
    }
}
