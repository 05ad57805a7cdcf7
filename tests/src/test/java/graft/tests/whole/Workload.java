package graft.tests.whole;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A program that says "ready", waits for a line, works and says what came out. Its parents are shells, because Java waits
 * for its own children in a thread that would take the stops of a tracer in this process. One that hangs is killed.
 */
final class Workload implements AutoCloseable {
    private static final String LIMIT_SECONDS = "120";
    private static final String IN_SHELLS =
            "timeout -s KILL %s sh -c 'echo $$; exec \"$0\" \"$@\"' \"$0\" \"$@\" 2>&1; exit".formatted(LIMIT_SECONDS);

    private final Process shell;
    private final BufferedReader answers;
    private final int pid;

    /** What a program said after its start, and how it ended. */
    record Result(int status, String output) {}

    private Workload(Process shell) throws IOException {
        this.shell = shell;
        this.answers = shell.inputReader();
        this.pid = Integer.parseInt(answers.readLine());
    }

    /** Copies a script from the tests' resources. */
    static Path script(Path folder, String name) {
        Path file = folder.resolve(name);
        try (InputStream in = Workload.class.getResourceAsStream(name)) {
            Files.write(file, in.readAllBytes());
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts a command in a folder and waits until it says that it is ready. */
    static Workload start(Path folder, List<String> command) {
        return start(folder, command, "ready");
    }

    /** Starts a command in a folder and waits until it says a line that begins so. */
    static Workload start(Path folder, List<String> command, String first) {
        List<String> words = new ArrayList<>(List.of("sh", "-c", IN_SHELLS));
        words.addAll(command);
        try {
            Workload workload = new Workload(
                    new ProcessBuilder(words).directory(folder.toFile()).start());
            workload.await(first);
            return workload;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void await(String first) throws IOException {
        String line = answers.readLine();
        if (line == null || !line.startsWith(first)) {
            throw new AssertionError(line + answers.lines().collect(Collectors.joining("\n")));
        }
    }

    int pid() {
        return pid;
    }

    /** Says a line to it. */
    void say(String line) {
        try {
            shell.outputWriter().write(line + "\n");
            shell.outputWriter().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it says next. */
    String line() throws IOException {
        return answers.readLine();
    }

    /** Lets it work to its end. */
    Result work() {
        try {
            say("go");
            shell.outputWriter().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return end();
    }

    /** Waits for its end. */
    Result end() {
        String output = answers.lines().collect(Collectors.joining("\n"));
        return new Result(shell.onExit().join().exitValue(), output);
    }

    @Override
    public void close() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        shell.onExit().join();
    }
}
