package graft.tests.nginx;

import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * What of a worker must not change while it serves a constant number of connections.
 *
 * @param mappings address ranges, permissions and names; of the heap only that it is there, for it grows with the work
 * @param threads their ids
 * @param descriptors by number what they are, but for served files, which come and go with requests
 */
record WorkerState(List<String> mappings, Set<String> threads, Map<Integer, String> descriptors) {

    static WorkerState of(int pid) {
        return new WorkerState(
                ProcessMaps.of(pid).mappings().stream().map(WorkerState::words).toList(),
                Set.copyOf(names(pid, "task")),
                descriptors(pid));
    }

    private static String words(MemoryMapping mapping) {
        String name = mapping.path().orElse("");
        return name.equals("[heap]")
                ? name
                : mapping.start() + "-" + mapping.end() + " " + mapping.permissions() + " " + name;
    }

    private static Map<Integer, String> descriptors(int pid) {
        Map<Integer, String> descriptors = new TreeMap<>();
        for (String name : names(pid, "fd")) {
            try {
                String what = Files.readSymbolicLink(Path.of("/proc/" + pid + "/fd/" + name))
                        .toString();
                if (!what.contains("/html/")) {
                    descriptors.put(Integer.valueOf(name), what);
                }
            } catch (NoSuchFileException _) {
                // A served file, closed meanwhile.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return descriptors;
    }

    private static Set<String> names(int pid, String folder) {
        try (Stream<Path> entries = Files.list(Path.of("/proc/" + pid + "/" + folder))) {
            Set<String> names = new TreeSet<>();
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connections that the worker holds, listening sockets among them. */
    long sockets() {
        return descriptors.values().stream()
                .filter(what -> what.startsWith("socket:"))
                .count();
    }

    /** The SHA-256 of every executable file mapping of {@code pid} in memory, by the mapping. */
    static Map<String, String> textInMemory(int pid) {
        Map<String, String> hashes = new TreeMap<>();
        bytesOfText(pid).forEach((mapping, bytes) -> hashes.put(mapping, sha256(bytes)));
        return hashes;
    }

    /** Every executable file mapping of {@code pid} in memory, by the mapping. */
    static Map<String, byte[]> bytesOfText(int pid) {
        Map<String, byte[]> texts = new TreeMap<>();
        try (ProcMem memory = ProcMem.open(pid)) {
            texts(pid)
                    .forEach(text ->
                            texts.put(words(text), memory.readBytes(text.start(), Math.toIntExact(text.size()))));
        }
        return texts;
    }

    /** Bytes from the first to the last that differ between two texts; 0 when none does. */
    static int changed(byte[] before, byte[] after) {
        int first = Arrays.mismatch(before, after);
        int last = before.length;
        while (first >= 0 && before[last - 1] == after[last - 1]) {
            last--;
        }
        return first < 0 ? 0 : last - first;
    }

    /** The same of the mapped files. */
    static Map<String, String> textInFiles(int pid) {
        Map<String, String> hashes = new TreeMap<>();
        for (MemoryMapping text : texts(pid)) {
            Path path = Path.of("/proc/" + pid + "/root" + text.path().orElseThrow());
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
                byte[] bytes = new byte[Math.toIntExact(text.size())];
                file.seek(text.offset().value());
                int done = 0;
                for (int n = 0; n >= 0 && done < bytes.length; n = file.read(bytes, done, bytes.length - done)) {
                    done += n;
                }
                hashes.put(words(text), sha256(bytes));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return hashes;
    }

    private static List<MemoryMapping> texts(int pid) {
        return ProcessMaps.of(pid).mappings().stream()
                .filter(mapping -> mapping.isFile() && mapping.isExecutable())
                .toList();
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every Java has SHA-256", impossible);
        }
    }
}
