package graft.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a process holds.
 *
 * @param residentBytes memory that is there, shared or not, but for the maps of programs
 * @param mapBytes memory of the maps of programs that is there; a page of 2 MiB counts whole
 */
record Footprint(long residentBytes, long mapBytes, long threads, long descriptors) {
    private static final Pattern MAPPING = Pattern.compile("^[0-9a-f]+-[0-9a-f]+ .*");

    static Footprint of(int pid) {
        Path process = Path.of("/proc/" + pid);
        long resident = 0;
        long maps = 0;
        boolean inMap = false;
        try {
            for (String line : Files.readAllLines(process.resolve("smaps"))) {
                if (MAPPING.matcher(line).matches()) {
                    inMap = line.contains("memfd:graft-map-");
                } else if (line.startsWith("Rss:")) {
                    long bytes = 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
                    resident += inMap ? 0 : bytes;
                    maps += inMap ? bytes : 0;
                }
            }
            return new Footprint(resident, maps, entries(process.resolve("task")), entries(process.resolve("fd")));
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
