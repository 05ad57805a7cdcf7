package graft.platform.proc;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The part of {@code /proc/PID/status} that attaching needs; works for a thread's number as well.
 *
 * @param name at most 15 bytes
 * @param state {@code R}, {@code S}, {@code D}, {@code T}, {@code t}, {@code Z} or {@code X}
 * @param tgid the process
 * @param tracer who traces it, 0 for nobody
 * @param uid real, effective, saved, filesystem user
 * @param gid real, effective, saved, filesystem group
 * @param namespacePids its numbers from the outer to the innermost pid namespace
 * @param seccomp 0 none, 1 strict, 2 filter
 * @param threads how many
 */
public record ProcessStatus(
        String name,
        char state,
        int tgid,
        int tracer,
        List<Integer> uid,
        List<Integer> gid,
        List<Integer> namespacePids,
        int seccomp,
        int threads) {

    /** @throws NoSuchProcessException when there is no such process */
    public static ProcessStatus of(int pid) {
        return parse(ProcFile.read(pid, "status"));
    }

    static ProcessStatus parse(String text) {
        Map<String, String> fields = new HashMap<>();
        text.lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0) {
                fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
        });
        List<Integer> ids = numbers(fields.getOrDefault("NSpid", ""));
        return new ProcessStatus(
                fields.getOrDefault("Name", ""),
                fields.getOrDefault("State", "?").charAt(0),
                Integer.parseInt(fields.getOrDefault("Tgid", "0")),
                Integer.parseInt(fields.getOrDefault("TracerPid", "0")),
                numbers(fields.getOrDefault("Uid", "")),
                numbers(fields.getOrDefault("Gid", "")),
                ids,
                Integer.parseInt(fields.getOrDefault("Seccomp", "0")),
                Integer.parseInt(fields.getOrDefault("Threads", "0")));
    }

    private static List<Integer> numbers(String text) {
        return Arrays.stream(text.split("\\s+"))
                .filter(word -> !word.isEmpty())
                .map(word -> (int) Long.parseLong(word))
                .toList();
    }

    /**
     * When the process started, in clock ticks after boot. Together with the pid it names a process for ever.
     *
     * @throws NoSuchProcessException when there is no such process
     */
    public static long startTime(int pid) {
        String stat = ProcFile.read(pid, "stat");
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseUnsignedLong(afterName[19].strip());
    }

    /**
     * The threads of a process at this moment, ascending.
     *
     * @throws NoSuchProcessException when there is no such process
     */
    public static List<Integer> threads(int pid) {
        List<Integer> threads = new ArrayList<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(ProcFile.path(pid, "task"))) {
            tasks.forEach(
                    task -> threads.add(Integer.parseInt(task.getFileName().toString())));
        } catch (DirectoryIteratorException e) {
            throw ProcFile.failure(pid, "task", e.getCause());
        } catch (IOException e) {
            throw ProcFile.failure(pid, "task", e);
        }
        threads.sort(null);
        return List.copyOf(threads);
    }
}
