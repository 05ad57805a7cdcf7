package graft.platform.proc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the kernel says that this machine's processors can do and may use.
 *
 * @param names as in {@code /proc/cpuinfo}: {@code rtm}, {@code rdpid}
 */
public record CpuFlags(Set<String> names) {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    public CpuFlags {
        names = Set.copyOf(names);
    }

    /** Those of the first processor; the kernel runs only on machines where all have the same. */
    public static CpuFlags ofThisMachine() {
        try (Stream<String> lines = Files.lines(CPUINFO)) {
            return new CpuFlags(lines.filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .map(line ->
                            Set.of(line.substring(line.indexOf(':') + 1).strip().split(" ")))
                    .orElse(Set.of()));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + CPUINFO, e);
        }
    }

    /** Whether a flag is set. */
    public boolean has(String name) {
        return names.contains(name);
    }
}
