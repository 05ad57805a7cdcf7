package graft.cli.fuzz;

import graft.cli.option.HelpOptions;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft fuzz vm}: interpreter, machine code and kernel on generated programs. */
@Command(
        name = "vm",
        description = "Runs generated programs in the interpreter, as machine code and in the kernel; compares.",
        footerHeading = "%nNeeds root. Everything can be repeated from its seed.%nExamples:%n",
        footer = {
            "  graft fuzz vm --programs 20000          ten seconds or more",
            "  graft fuzz vm --seed 812000             go on where a run was ended"
        })
final class VmFuzzCommand implements Callable<Integer> {
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

    @Option(
            names = "--programs",
            paramLabel = "COUNT",
            defaultValue = "2000000",
            description = "how many (default: 2,000,000)")
    private long programs;

    @Option(
            names = "--workers",
            paramLabel = "COUNT",
            defaultValue = "1",
            description = "how many at a time (default: 1)")
    private int workers;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0", description = "the first one (default: 0)")
    private long seed;

    @Mixin
    private HelpOptions options;

    @Override
    public Integer call() {
        VmFuzz fuzz = new VmFuzz(seed);
        long began = System.nanoTime();
        fuzz.run(programs, workers, new Progress(began));
        PrintWriter out = options.out();
        out.printf(
                Locale.ROOT,
                "vm: %,d programs from seed %d, interpreter = machine code = kernel: %,d differences%n",
                fuzz.programs(),
                seed,
                fuzz.differences());
        out.printf(
                Locale.ROOT,
                "    refused by the kernel %,d, by graft's verifier only %,d; %,d s%n",
                fuzz.notTaken(),
                fuzz.tooStrict(),
                Duration.ofNanos(System.nanoTime() - began).toSeconds());
        coverage(out, fuzz.coverage());
        return fuzz.differences() == 0 ? 0 : 1;
    }

    private static void coverage(PrintWriter out, Coverage coverage) {
        Coverage.Count rarest = coverage.rarest();
        Coverage.Count narrowest = coverage.fewestPairs();
        out.printf(
                Locale.ROOT,
                "    %,d instructions of %d kinds, the rarest %,d times (%s); at least %d pairs of registers (%s)%n",
                coverage.instructions(),
                coverage.kinds(),
                rarest.count(),
                rarest.kind(),
                narrowest.count(),
                narrowest.kind());
        if (!coverage.missing().isEmpty()) {
            out.println("    not generated: " + String.join(", ", coverage.missing()));
        }
    }

    /** A line on standard error now and then, and every finding. */
    private final class Progress implements VmFuzz.Listener {
        private final PrintWriter err = options.err();
        private final long began;
        private long last;

        Progress(long began) {
            this.began = began;
            this.last = began;
        }

        @Override
        public void found(String text) {
            err.println(text);
        }

        @Override
        public void done(VmFuzz sofar) {
            long now = System.nanoTime();
            if (now - last < BETWEEN_LINES.toNanos()) {
                return;
            }
            last = now;
            err.printf(
                    Locale.ROOT,
                    "vm: %,d of %,d programs, %,d differences, %,.0f/s, next seed %d%n",
                    sofar.programs(),
                    programs,
                    sofar.differences(),
                    sofar.programs() * 1e9 / (now - began),
                    sofar.nextSeed());
        }
    }
}
