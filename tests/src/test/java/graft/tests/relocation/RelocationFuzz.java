package graft.tests.relocation;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** {@code graft fuzz relocation}: as many windows as asked for, of all larger libraries and programs of this machine. */
public final class RelocationFuzz {
    private static final int BATCH = 50_000;
    private static final long DEFAULT_WINDOWS = 1_000_000;
    private static final long SMALLEST = 500_000;
    private static final List<Path> FOLDERS = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu"),
            Path.of("/usr/sbin"),
            Path.of("/usr/bin"),
            Path.of(System.getProperty("java.home"), "lib/server"));

    private final RelocationRunner runner;
    private final PrintStream out;
    private final Map<String, Integer> refusals = new TreeMap<>();
    private long windows;
    private long whole;
    private long differences;

    private RelocationFuzz(RelocationRunner runner, PrintStream out) {
        this.runner = runner;
        this.out = out;
    }

    /** Whether these words ask for it. */
    public static boolean isAskedFor(List<String> words) {
        return !words.isEmpty() && words.getFirst().equals("relocation");
    }

    /**
     * Runs.
     *
     * @param words {@code relocation [--windows COUNT] [--seed SEED]}
     * @return the exit status
     */
    public static int run(List<String> words, PrintStream out) throws IOException, InterruptedException {
        long wanted = DEFAULT_WINDOWS;
        long seed = 0;
        for (int i = 1; i < words.size(); i += 2) {
            boolean number = i + 1 < words.size() && words.get(i + 1).matches("\\d{1,12}");
            if (number && words.get(i).equals("--windows")) {
                wanted = Long.parseLong(words.get(i + 1));
            } else if (number && words.get(i).equals("--seed")) {
                seed = Long.parseLong(words.get(i + 1));
            } else {
                out.println("usage: graft fuzz relocation [--windows COUNT] [--seed SEED]");
                return 2;
            }
        }
        Path folder = Files.createTempDirectory("graft-relocation");
        try {
            RelocationFuzz fuzz = new RelocationFuzz(RelocationRunner.compile(folder), out);
            fuzz.run(wanted, seed);
            return fuzz.differences == 0 ? 0 : 1;
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private void run(long wanted, long seed) throws IOException, InterruptedException {
        long began = System.nanoTime();
        List<Path> programs = programs();
        for (long batch = 0; windows < wanted; batch++) {
            Path file = programs.get((int) ((seed + batch) % programs.size()));
            ProgramWindows program = new ProgramWindows(file, seed + batch);
            RelocationRunner.Result result =
                    runner.run(program, program.choose((int) Math.min(BATCH, wanted - windows)));
            windows += result.windows();
            whole += result.whole();
            differences += result.differences().size();
            result.differences().forEach(out::println);
            program.refusals().forEach((reason, count) -> refusals.merge(reason, count, Integer::sum));
        }
        out.printf(
                Locale.ROOT,
                "relocation: %,d windows of %d programs from seed %d, in place = moved: %,d differences%n",
                windows,
                programs.size(),
                seed,
                differences);
        out.printf(
                Locale.ROOT,
                "    %,d ran to their end or left by a branch, the others faulted alike; %,d s%n",
                whole,
                Duration.ofNanos(System.nanoTime() - began).toSeconds());
        refusals.forEach((reason, count) -> out.printf(Locale.ROOT, "    not moved %,7d: %s%n", count, reason));
    }

    private static List<Path> programs() throws IOException {
        List<Path> programs = new java.util.ArrayList<>();
        for (Path folder : FOLDERS) {
            try (Stream<Path> files = Files.list(folder)) {
                files.filter(file -> Files.isRegularFile(file) && !Files.isSymbolicLink(file))
                        .filter(RelocationFuzz::isLarge)
                        .filter(ProgramWindows::isUsable)
                        .sorted()
                        .forEach(programs::add);
            }
        }
        return programs;
    }

    private static boolean isLarge(Path file) {
        return file.toFile().length() >= SMALLEST;
    }
}
