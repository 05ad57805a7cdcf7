package graft.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What a process holds.
 *
 * @param residentBytes memory that is there, shared or not, as {@code smaps_rollup} adds it up
 */
record Footprint(long residentBytes, long threads, long descriptors) {

    static Footprint of(int pid) {
        Path process = Path.of("/proc/" + pid);
        try (Stream<String> lines = Files.lines(process.resolve("smaps_rollup"))) {
            long kilobytes = lines.filter(line -> line.startsWith("Rss:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                    .sum();
            return new Footprint(kilobytes * 1024, entries(process.resolve("task")), entries(process.resolve("fd")));
        } catch (IOException e) {
            throw new UncheckedIOException("looking at process " + pid, e);
        }
    }

    private static long entries(Path folder) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.count();
        }
    }
}
