package graft.platform.proc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How much memory a process may map: the soft limits of getrlimit(2), and the kernel's for all processes.
 *
 * @param addressSpace {@code RLIMIT_AS} in bytes, the largest number for none
 * @param data {@code RLIMIT_DATA} in bytes, the largest number for none
 * @param mappings {@code vm.max_map_count}
 */
public record MemoryLimits(long addressSpace, long data, int mappings) {
    private static final Path MAX_MAP_COUNT = Path.of("/proc/sys/vm/max_map_count");

    /** @throws NoSuchProcessException when there is no such process */
    public static MemoryLimits of(int pid) {
        String limits = ProcFile.read(pid, "limits");
        return new MemoryLimits(soft(limits, "Max address space"), soft(limits, "Max data size"), maxMapCount());
    }

    private static long soft(String limits, String name) {
        Matcher line = Pattern.compile("(?m)^" + name + "\\s+(\\d+|unlimited)").matcher(limits);
        return line.find() && !line.group(1).equals("unlimited") ? Long.parseLong(line.group(1)) : Long.MAX_VALUE;
    }

    /** The kernel gives a number of {@code /proc/sys} in the first read only: it has to be large enough. */
    private static int maxMapCount() {
        try (BufferedReader file = Files.newBufferedReader(MAX_MAP_COUNT)) {
            return Integer.parseInt(file.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + MAX_MAP_COUNT, e);
        }
    }
}
