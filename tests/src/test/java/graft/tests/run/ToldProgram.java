package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A C program that does what it is told. Closing kills it. */
final class ToldProgram implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final Path file;

    private ToldProgram(Process process, Path file) {
        this.process = process;
        this.answers = process.inputReader();
        this.file = file;
    }

    /** Compiles and starts it; it answers, so its libraries are loaded. */
    static ToldProgram start(Path folder) {
        Path file = folder.resolve("told");
        Path source = folder.resolve("told.c");
        try (InputStream in = ToldProgram.class.getResourceAsStream("told.c")) {
            Files.write(source, in.readAllBytes());
            Process gcc = new ProcessBuilder("gcc", "-O1", "-pthread", "-o", file.toString(), source.toString())
                    .inheritIO()
                    .start();
            assertThat(gcc.onExit().join().exitValue()).isZero();
            Process process = new ProcessBuilder(file.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            ToldProgram program = new ToldProgram(process, file);
            program.does("call 1");
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Tells it, and waits until it is done. */
    void does(String what) {
        try {
            process.outputWriter().write(what + "\n");
            process.outputWriter().flush();
            assertThat(answers.readLine()).isEqualTo("done");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String pid() {
        return Long.toString(process.pid());
    }

    Path file() {
        return file;
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }
}
