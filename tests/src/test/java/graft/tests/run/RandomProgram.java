package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A running program of {@link RandomCalls}. Its parent is a shell, see {@link ToldProgram}. Closing ends it. */
final class RandomProgram implements AutoCloseable {
    private static final int WORDS = 27;
    static final int R11 = 10;
    private static final int FLAGS = 16;
    private static final long ARITHMETIC = 0x8d5;

    private final Process shell;
    private final DataInputStream answers;
    private final List<RandomCalls.Function> functions;
    private final int pid;

    private RandomProgram(Process shell, List<RandomCalls.Function> functions) throws IOException {
        this.shell = shell;
        this.answers = new DataInputStream(shell.getInputStream());
        this.functions = functions;
        StringBuilder number = new StringBuilder();
        for (int next = answers.read(); next >= '0'; next = answers.read()) {
            number.append((char) next);
        }
        this.pid = Integer.parseInt(number.toString());
    }

    static Path compile(Path folder, RandomCalls.Source source) throws IOException {
        Path assembler = folder.resolve("random.s");
        try (InputStream driver = RandomProgram.class.getResourceAsStream("random-calls.s")) {
            Files.writeString(assembler, new String(driver.readAllBytes()) + source.text());
        }
        Path program = folder.resolve("random");
        Process gcc = new ProcessBuilder(
                        "gcc",
                        "-nostdlib",
                        "-static",
                        "-no-pie",
                        "-Wl,-z,noexecstack",
                        "-o",
                        program.toString(),
                        assembler.toString())
                .inheritIO()
                .start();
        assertThat(gcc.onExit().join().exitValue()).isZero();
        return program;
    }

    static RandomProgram start(Path program, List<RandomCalls.Function> functions) throws IOException {
        Process shell = new ProcessBuilder(
                        "sh",
                        "-c",
                        "exec 3<&0; \"$0\" <&3 & echo $!; wait $!; status=$?; exec >&-; exit $status",
                        program.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        return new RandomProgram(shell, functions);
    }

    int pid() {
        return pid;
    }

    /** What was in the registers behind each function, and in its memory; without what programs may change in r11. */
    List<String> run() {
        order('r');
        byte[] bytes = read(WORDS * Long.BYTES * functions.size());
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<String> reports = new ArrayList<>();
        for (RandomCalls.Function function : functions) {
            StringBuilder report = new StringBuilder(function.name());
            for (int word = 0; word < WORDS; word++) {
                long value = words.getLong();
                boolean flags = word == FLAGS || word == R11;
                report.append(' ').append(Long.toHexString(flags ? value & ~ARITHMETIC : value));
            }
            reports.add(report.toString());
        }
        return reports;
    }

    /** One of the orders that it answers with the same. */
    void tell(char what) {
        order(what);
        assertThat(read(1)).containsExactly(what);
    }

    private void order(char what) {
        try {
            shell.getOutputStream().write(what);
            shell.getOutputStream().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] read(int size) {
        try {
            byte[] bytes = new byte[size];
            answers.readFully(bytes);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException("the program has ended", e);
        }
    }

    /** @return how it ended */
    int end() throws IOException {
        shell.getOutputStream().close();
        return shell.onExit().join().exitValue();
    }

    @Override
    public void close() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        shell.destroyForcibly();
    }
}
