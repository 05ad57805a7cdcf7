package graft.cli.load;

import graft.cli.error.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A finished run of an installed tool.
 *
 * @param status its exit status
 * @param output what it wrote to both outputs
 */
record ToolRun(int status, String output) {

    /** Where {@code tool} is installed. An ordinary user's search path lacks the folder of servers, so it is added. */
    static Path find(String tool) {
        Stream<String> folders = Stream.concat(
                Optional.ofNullable(System.getenv("PATH")).stream().flatMap(path -> Stream.of(path.split(":"))),
                Stream.of("/usr/sbin", "/sbin"));
        return folders.filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, tool))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() ->
                        Problem.of("D012", tool + " is not installed here").failure());
    }

    /** Runs {@code tool} to its end, at most for {@code limit}; then it is killed and {@link IOException} follows. */
    static ToolRun of(Duration limit, String tool, List<String> arguments) {
        return of(limit, tool, arguments, Map.of());
    }

    /** The same with more in its environment. */
    static ToolRun of(Duration limit, String tool, List<String> arguments, Map<String, String> environment) {
        Path output = temporaryFile(tool);
        try {
            Process process = start(output, tool, arguments, environment);
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                throw new IOException("%s did not end within %d s".formatted(tool, limit.toSeconds()));
            }
            return new ToolRun(process.exitValue(), Files.readString(output, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException("running " + tool, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + tool + " ran", e);
        } finally {
            delete(output);
        }
    }

    /** Starts {@code tool} with both outputs going to a file, so that no reader is needed to keep it running. */
    static Process start(Path output, String tool, List<String> arguments) {
        return start(output, tool, arguments, Map.of());
    }

    private static Process start(Path output, String tool, List<String> arguments, Map<String, String> environment) {
        List<String> command = new ArrayList<>(List.of(find(tool).toString()));
        command.addAll(arguments);
        ProcessBuilder process = new ProcessBuilder(command);
        process.environment().putAll(environment);
        try {
            return process.redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException("starting " + tool, e);
        }
    }

    static Path temporaryFile(String tool) {
        try {
            return Files.createTempFile("graft-" + tool + "-", ".out");
        } catch (IOException e) {
            throw new UncheckedIOException("making a file for the output of " + tool, e);
        }
    }

    static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + file, e);
        }
    }
}
