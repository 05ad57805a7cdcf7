package graft.attach;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The lines of {@code /proc/PID/status}. */
final class ProcStatus {
    private final Map<String, String> lines;

    private ProcStatus(Map<String, String> lines) {
        this.lines = lines;
    }

    static Optional<ProcStatus> read(int pid) {
        return read(Path.of("/proc/" + pid + "/status"));
    }

    static ProcStatus own() {
        return read(Path.of("/proc/self/status")).orElseThrow();
    }

    private static Optional<ProcStatus> read(Path file) {
        Map<String, String> lines = new HashMap<>();
        try {
            for (String line : Files.readAllLines(file, java.nio.charset.StandardCharsets.ISO_8859_1)) {
                int colon = line.indexOf(':');
                if (colon > 0) {
                    lines.put(
                            line.substring(0, colon), line.substring(colon + 1).trim());
                }
            }
        } catch (IOException gone) {
            return Optional.empty();
        }
        return lines.containsKey("State") ? Optional.of(new ProcStatus(lines)) : Optional.empty();
    }

    String text(String key) {
        return lines.getOrDefault(key, "");
    }

    /** The first number of the line; 0 when the line is absent. */
    long number(String key) {
        String first = text(key).split("\\s+", 2)[0];
        return first.isEmpty() ? 0 : Long.parseLong(first);
    }

    long hexadecimal(String key) {
        return Long.parseUnsignedLong(text(key), 16);
    }

    /** The effective user id. */
    int uid() {
        return Integer.parseInt(text("Uid").split("\\s+")[1]);
    }
}
