package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.linux.Signals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A C program that does what it is told. Its parent is a shell: Java waits for its own children in a thread that would
 * take the stops of a tracer in this process. Closing kills it.
 */
final class ToldProgram implements AutoCloseable {
    private final Process shell;
    private final BufferedReader answers;
    private final Path file;
    private final String own;
    private final int pid;

    private ToldProgram(Process shell, Path file) throws IOException {
        this.shell = shell;
        this.answers = shell.inputReader();
        this.file = file;
        begins("call 1");
        this.own = answers.readLine();
        this.pid = (int) shell.children().findFirst().orElseThrow().pid();
    }

    /** Compiles it. */
    static Path compile(Path folder) {
        return compile(folder, "told", "gcc", "-pthread");
    }

    /** Compiles another that is told the same way. */
    static Path compile(Path folder, String name, String compiler, String option) {
        Path file = folder.resolve(name);
        Path source = folder.resolve(name + ".c");
        try (InputStream in = ToldProgram.class.getResourceAsStream(name + ".c")) {
            Files.write(source, in.readAllBytes());
            Process gcc = new ProcessBuilder(compiler, "-O1", option, "-o", file.toString(), source.toString())
                    .inheritIO()
                    .start();
            assertThat(gcc.onExit().join().exitValue()).isZero();
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it; it answers, so its libraries are loaded. */
    static ToldProgram start(Path file) {
        try {
            Process shell = new ProcessBuilder("sh", "-c", "\"$0\"; exit", file.toString())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return new ToldProgram(shell, file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it as the first process of a pid namespace of its own. */
    static ToldProgram startInPidNamespace(Path file) throws IOException {
        ToldProgram program = new ToldProgram(
                new ProcessBuilder("unshare", "--pid", "--fork", file.toString())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start(),
                file);
        assertThat(program.own).isEqualTo("1");
        return program;
    }

    /** Tells it, and waits until it is done. */
    void does(String what) {
        begins(what);
        answers();
    }

    /** Waits until it has done what it was told. */
    void answers() {
        try {
            assertThat(answers.readLine()).isEqualTo(own);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Tells it. */
    void begins(String what) {
        try {
            shell.outputWriter().write(what + "\n");
            shell.outputWriter().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String pid() {
        return Integer.toString(pid);
    }

    Path file() {
        return file;
    }

    /** Kills it and waits for its end. */
    void kill() {
        if (shell.isAlive()) {
            Signals.kill(pid, Signals.SIGKILL);
        }
        shell.onExit().join();
    }

    @Override
    public void close() {
        kill();
    }
}
