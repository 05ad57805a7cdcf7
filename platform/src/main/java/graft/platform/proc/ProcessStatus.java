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
import java.util.Optional;

/**
 * The part of {@code /proc/PID/status} that attaching needs; works for a thread's number as well.
 *
 * @param name at most 15 bytes
 * @param state {@code R}, {@code S}, {@code D}, {@code T}, {@code t}, {@code Z} or {@code X}
 * @param tgid the process
 * @param parent its parent, 0 when that is outside this pid namespace
 * @param tracer who traces it, 0 for nobody
 * @param uid real, effective, saved, filesystem user
 * @param gid real, effective, saved, filesystem group
 * @param namespacePids its numbers from the outer to the innermost pid namespace
 * @param seccomp 0 none, 1 strict, 2 filter
 * @param threads how many
 * @param residentBytes memory that it has in RAM
 * @param capabilities the effective ones, a bit each
 * @param features what the processor does for it on top, such as {@code shstk}; none where the kernel does not say
 */
public record ProcessStatus(
        String name,
        char state,
        int tgid,
        int parent,
        int tracer,
        List<Integer> uid,
        List<Integer> gid,
        List<Integer> namespacePids,
        int seccomp,
        int threads,
        long residentBytes,
        long capabilities,
        List<String> features) {
    private static final int EFFECTIVE = 1;
    private static final int KIB = 1024;
    private static final int HEXADECIMAL = 16;

    /** @throws NoSuchProcessException when there is no such process */
    public static ProcessStatus of(int pid) {
        return parse(ProcFile.read(pid, "status"));
    }

    /** Nothing when there is no such process or thread. */
    public static Optional<ProcessStatus> find(int pid) {
        return ProcFile.find(ProcFile.path(pid, "status")).map(ProcessStatus::parse);
    }

    /** Of this process. */
    public static ProcessStatus own() {
        return of((int) ProcessHandle.current().pid());
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
                Integer.parseInt(fields.getOrDefault("PPid", "0")),
                Integer.parseInt(fields.getOrDefault("TracerPid", "0")),
                numbers(fields.getOrDefault("Uid", "")),
                numbers(fields.getOrDefault("Gid", "")),
                ids,
                Integer.parseInt(fields.getOrDefault("Seccomp", "0")),
                Integer.parseInt(fields.getOrDefault("Threads", "0")),
                Long.parseLong(fields.getOrDefault("VmRSS", "0").split(" ")[0]) * KIB,
                Long.parseUnsignedLong(fields.getOrDefault("CapEff", "0"), HEXADECIMAL),
                words(fields.getOrDefault("x86_Thread_features", "")));
    }

    private static List<Integer> numbers(String text) {
        return words(text).stream().map(word -> (int) Long.parseLong(word)).toList();
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split("\\s+")).filter(word -> !word.isEmpty()).toList();
    }

    /** The user that the kernel checks. */
    public int effectiveUid() {
        return uid.get(EFFECTIVE);
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
