package graft.tests.tracee;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A tracee's source file with what its first comment says: {@code probes:}, {@code options:} for the compiler.
 *
 * @param probes {@code uprobe:[FILE:]FUNCTION[+OFFSET]}, {@code uretprobe:[FILE:]FUNCTION}, or {@code each:FUNCTION}, all instructions of
 *     a function, each of which runs once a call
 * @param programs of {@code tracee.bpf.c} that may run in it
 * @param requirements the numbers of those that it is about
 * @param options for the compiler, behind the source
 */
record TraceeSource(
        Path file, List<String> probes, List<String> programs, List<Integer> requirements, List<String> options) {
    private static final Path FOLDER = Path.of("tracees");

    private static final Path GO_CACHE = Path.of("target", "go-cache");

    /** Those that cannot be attached to. */
    private static final Path REFUSING = FOLDER.resolve("refusing");

    /** Those that check themselves when programs change what they do. */
    private static final Path CHANGING = FOLDER.resolve("changing");

    /** Those that a filter of system calls ends when they make others. */
    private static final Path CONFINED = FOLDER.resolve("confined");

    /** Every source file of the folder. */
    static List<TraceeSource> all() {
        return in(FOLDER);
    }

    /** Those that no probe can be put into. */
    static List<TraceeSource> refusing() {
        return in(REFUSING);
    }

    private static List<TraceeSource> in(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().matches(".*\\.(c|cc|go|java|js|sh)"))
                    .sorted()
                    .map(TraceeSource::of)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The one of this name. */
    static TraceeSource named(String name) {
        return Stream.of(all(), refusing(), in(CHANGING), in(CONFINED))
                .flatMap(List::stream)
                .filter(source -> source.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static TraceeSource of(Path file) {
        try {
            String text = Files.readString(file);
            return new TraceeSource(
                    file,
                    words(text, "probes").orElseThrow(() -> new IllegalStateException(file + " names no probes")),
                    words(text, "programs").orElse(List.of("little", "much")),
                    words(text, "requirements").orElse(List.of()).stream()
                            .map(Integer::valueOf)
                            .toList(),
                    words(text, "options").orElse(List.of()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Optional<List<String>> words(String text, String name) {
        Matcher line = Pattern.compile("^(?: \\*|//|#) " + name + ": (.*)$", Pattern.MULTILINE)
                .matcher(text);
        return line.find() ? Optional.of(List.of(line.group(1).split(" "))) : Optional.empty();
    }

    /** The file's name without its ending. */
    String name() {
        return file.getFileName().toString().replaceAll("\\.\\w+$", "");
    }

    /** What starts it; compiled into {@code folder} where that is needed. */
    List<String> command(Path folder) {
        String name = file.getFileName().toString();
        String source = file.toString();
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "java" -> List.of(ProcessHandle.current().info().command().orElseThrow(), source);
            case "js" -> List.of("node", source);
            case "sh" -> List.of("bash", source);
            default -> List.of(compile(folder).toString());
        };
    }

    /** Compiles it into {@code folder}. */
    Path compile(Path folder) {
        Path program = folder.resolve(name());
        ProcessBuilder compiler = new ProcessBuilder(compilation(program)).inheritIO();
        compiler.environment().put("GOCACHE", GO_CACHE.toAbsolutePath().toString());
        try {
            int status = compiler.start().waitFor();
            if (status != 0) {
                throw new IllegalStateException(String.join(" ", compiler.command()) + " ended with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return program;
    }

    private List<String> compilation(Path program) {
        if (file.toString().endsWith(".go")) {
            return List.of("go", "build", "-o", program.toString(), file.toString());
        }
        String compiler = file.toString().endsWith(".cc") ? "g++" : "gcc";
        return Stream.of(
                        List.of(compiler, "-g", "-Wall", "-Wextra", "-Werror", "-I" + FOLDER, "-o", program.toString()),
                        List.of(file.toString()),
                        options)
                .flatMap(List::stream)
                .toList();
    }

    @Override
    public String toString() {
        return name();
    }
}
