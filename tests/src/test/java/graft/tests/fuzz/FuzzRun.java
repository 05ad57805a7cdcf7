package graft.tests.fuzz;

import graft.cli.error.Catalogue;
import graft.cli.error.Problem;
import graft.tests.relocation.RelocationFuzz;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code graft fuzz NAME --time 10m}: Jazzer on one target in a JVM of its own; ends with 1 when it found something. */
public final class FuzzRun {
    private static final String HELP = """
            Usage: graft fuzz ENGINE [options]
                   graft fuzz PARSER [--time TIME]
            Runs generated input until something differs, breaks or takes too long; ends with 1 when it found something.

            Engines: vm, verdicts, maps (graft fuzz vm --help), relocation (moved instructions).
            Parsers: %s; under Jazzer, for 10m when no time is given.
            Examples:
              graft fuzz vm --programs 20000     interpreter, machine code and kernel
              graft fuzz elf --time 10m          one parser of foreign bytes
            """;

    private static final Path FOLDER = Path.of(System.getProperty("graft.root"), "tests/target/fuzz");
    private static final Pattern TIME = Pattern.compile("(\\d{1,6})(s|m|h)");
    private static final Duration DEFAULT_TIME = Duration.ofMinutes(10);
    private static final int MAX_INPUT = 65_536;

    /** By the clock, other work on the machine included: what takes this long is stuck. {@link Outcome} is stricter. */
    private static final int SECONDS_EACH = 60;

    private final FuzzTarget target;
    private final Path folder;

    private FuzzRun(FuzzTarget target) {
        this.target = target;
        this.folder = FOLDER.resolve(target.label());
    }

    /** The process's entry. */
    public static void main(String[] words) throws IOException, InterruptedException {
        if (words.length == 1 && List.of("-h", "--help").contains(words[0])) {
            System.out.printf(HELP, String.join(", ", FuzzTarget.labels()));
            return;
        }
        if (RelocationFuzz.isAskedFor(List.of(words))) {
            System.exit(RelocationFuzz.run(List.of(words), System.out));
        }
        Optional<FuzzTarget> target =
                words.length == 1 || words.length == 3 ? FuzzTarget.named(words[0]) : Optional.empty();
        Optional<Duration> time = words.length == 3 && words[1].equals("--time")
                ? time(words[2])
                : words.length == 1 ? Optional.of(DEFAULT_TIME) : Optional.empty();
        if (target.isEmpty() || time.isEmpty()) {
            System.exit(usage(String.join(" ", words)));
        }
        System.exit(new FuzzRun(target.get()).run(time.get()));
    }

    private static Optional<Duration> time(String text) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long amount = Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "s" -> Duration.ofSeconds(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    default -> Duration.ofHours(amount);
                });
    }

    private static int usage(String words) {
        Catalogue catalogue = Catalogue.packaged();
        Problem problem = Problem.of("U001", "graft fuzz: not understood: \"" + words + "\"")
                .because("parsers: " + String.join(", ", FuzzTarget.labels())
                        + "; engines: vm, verdicts, maps, relocation")
                .remedy("graft fuzz --help");
        System.err.println(problem.text(catalogue));
        return problem.exitStatus(catalogue);
    }

    private int run(Duration time) throws IOException, InterruptedException {
        Path corpus = Files.createDirectories(folder.resolve("corpus"));
        Path seeds = Files.createDirectories(folder.resolve("seeds"));
        int number = 0;
        for (byte[] seed : Seeds.of(target)) {
            Files.write(seeds.resolve("seed-" + number++), seed);
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx1500m",
                "-XX:+UseSerialGC",
                "-XX:+EnableDynamicAgentLoading",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dgraft.root=" + System.getProperty("graft.root"),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target.className(),
                "--instrumentation_includes=graft.ebpf.**:graft.platform.**:graft.tests.fuzz.**",
                "--keep_going=20",
                "--reproducer_path=" + folder));
        command.addAll(List.of(
                "-max_total_time=" + time.toSeconds(),
                "-max_len=" + MAX_INPUT,
                "-timeout=" + SECONDS_EACH,
                "-report_slow_units=" + SECONDS_EACH,
                "-rss_limit_mb=4000",
                "-reload=0",
                "-print_final_stats=1",
                "-artifact_prefix=" + folder + "/",
                corpus.toString(),
                seeds.toString()));
        int status = new ProcessBuilder(command).inheritIO().start().waitFor();
        List<Path> found = found();
        found.forEach(file -> System.err.println(
                "found: " + file + "; when it is fixed, keep it in tests/src/test/fuzz/" + target.label()));
        return found.isEmpty() && status == 0 ? 0 : 1;
    }

    private List<Path> found() throws IOException {
        Pattern names = Pattern.compile("(crash|timeout|oom|slow-unit)-.*");
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(
                            file -> names.matcher(file.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
    }
}
