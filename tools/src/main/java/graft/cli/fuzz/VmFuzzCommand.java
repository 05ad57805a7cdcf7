package graft.cli.fuzz;

import graft.cli.option.HelpOptions;
import graft.cli.option.TargetOptions;
import graft.cli.process.Interruption;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
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
            "  graft fuzz vm -d 1h                     what can be done in an hour",
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
            description = "how many at a time (default: one more than processors, as each waits for others' processes)")
    private int workers = Runtime.getRuntime().availableProcessors() + 1;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "0", description = "the first one (default: 0)")
    private long seed;

    @Option(
            names = {"-d", "--duration"},
            paramLabel = "TIME",
            description = "stop after this time at the latest, as in 90s, 5m, 1h")
    private Optional<String> duration = Optional.empty();

    @Mixin
    private HelpOptions options;

    @Override
    public Integer call() {
        VmFuzz fuzz = new VmFuzz(seed);
        long began = System.nanoTime();
        Optional<Duration> limit = duration.map(TargetOptions::parse);
        try (Interruption interruption = new Interruption()) {
            fuzz.run(programs, workers, new Progress(began, limit, interruption));
            summary(fuzz, Duration.ofNanos(System.nanoTime() - began));
        }
        return fuzz.differences() == 0 ? 0 : 1;
    }

    private void summary(VmFuzz fuzz, Duration took) {
        PrintWriter out = options.out();
        out.printf(
                Locale.ROOT,
                "vm: %,d programs from seed %d, interpreter = machine code = kernel: %,d differences; next seed %d%n",
                fuzz.programs(),
                seed,
                fuzz.differences(),
                fuzz.nextSeed());
        out.printf(
                Locale.ROOT,
                "    refused by the kernel %,d, by graft's verifier only %,d; %,d s%n",
                fuzz.notTaken(),
                fuzz.tooStrict(),
                took.toSeconds());
        coverage(out, fuzz.coverage());
        out.flush();
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
        private final Optional<Duration> limit;
        private final Interruption interruption;
        private long last;

        Progress(long began, Optional<Duration> limit, Interruption interruption) {
            this.began = began;
            this.last = began;
            this.limit = limit;
            this.interruption = interruption;
        }

        @Override
        public void found(String text) {
            err.println(text);
        }

        @Override
        public VmFuzz.Wish done(VmFuzz sofar) {
            long now = System.nanoTime();
            if (now - last >= BETWEEN_LINES.toNanos()) {
                tell(sofar, now);
            }
            boolean late = limit.isPresent() && now - began >= limit.get().toNanos();
            return late || interruption.hasCome() ? VmFuzz.Wish.STOP : VmFuzz.Wish.GO_ON;
        }

        private void tell(VmFuzz sofar, long now) {
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
