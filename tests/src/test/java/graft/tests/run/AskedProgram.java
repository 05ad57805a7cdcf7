package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.proc.ProcessStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A C program that answers each line with a line, and the programs that look at it, compiled from the tests' resources.
 * Its parent is a shell, see {@link ToldProgram}. Closing ends it.
 */
final class AskedProgram implements AutoCloseable {
    private final Process shell;
    private final BufferedReader answers;
    private final int pid;

    private AskedProgram(Process shell) throws IOException {
        this.shell = shell;
        this.answers = shell.inputReader();
        this.pid = Integer.parseInt(answers.readLine());
    }

    private AskedProgram(Process shell, BufferedReader answers, int pid) {
        this.shell = shell;
        this.answers = answers;
        this.pid = pid;
    }

    /** Compiles {@code name.c} into {@code folder}. */
    static Path compile(Path folder, String name, String... options) {
        Path file = folder.resolve(name);
        List<String> command = new ArrayList<>(List.of("gcc", "-O1", "-o", file.toString()));
        command.add(copied(folder, name + ".c").toString());
        command.addAll(List.of(options));
        run(command);
        return file;
    }

    /** Compiles {@code name.bpf.c} into {@code folder}. */
    static String object(Path folder, String name, String... options) {
        return compiled(folder, name, copied(folder, name + ".bpf.c"), options);
    }

    /** Compiles a text into {@code folder}. */
    static String compiledObject(Path folder, String name, String text) throws IOException {
        return compiled(folder, name, Files.writeString(folder.resolve(name + ".bpf.c"), text));
    }

    private static String compiled(Path folder, String name, Path source, String... options) {
        String file = folder.resolve(name + ".bpf.o").toString();
        List<String> command = new ArrayList<>(List.of(
                "clang",
                "-g",
                "-O2",
                "-target",
                "bpf",
                "-D__TARGET_ARCH_x86",
                "-I/usr/include/x86_64-linux-gnu",
                "-c",
                "-o",
                file,
                source.toString()));
        command.addAll(List.of(options));
        run(command);
        return file;
    }

    private static Path copied(Path folder, String name) {
        Path source = folder.resolve(name);
        try (InputStream in = AskedProgram.class.getResourceAsStream(name)) {
            Files.write(source, in.readAllBytes());
            return source;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(List<String> command) {
        try {
            Process compiler = new ProcessBuilder(command).inheritIO().start();
            assertThat(compiler.onExit().join().exitValue()).isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it with arguments. */
    static AskedProgram start(Path file, String... arguments) {
        List<String> command =
                new ArrayList<>(List.of("sh", "-c", "sh -c 'echo $$; exec \"$0\" \"$@\"' \"$0\" \"$@\"; exit"));
        command.add(file.toString());
        command.addAll(List.of(arguments));
        try {
            AskedProgram program = new AskedProgram(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start());
            program.answer("ready");
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Starts it as the first process of a pid namespace of its own, where it has number 1. */
    static AskedProgram startInPidNamespace(Path file) throws IOException {
        AskedProgram program = startUnshared(file, "--pid");
        assertThat(ProcessStatus.of(program.pid).namespacePids()).endsWith(1);
        return program;
    }

    /** Starts it in namespaces of its own, as {@code unshare} makes them. */
    static AskedProgram startUnshared(Path file, String... namespaces) throws IOException {
        List<String> command = new ArrayList<>(List.of("unshare", "--fork"));
        command.addAll(List.of(namespaces));
        command.add(file.toString());
        Process unshare = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        BufferedReader answers = unshare.inputReader();
        unshare.outputWriter().write("ready\n");
        unshare.outputWriter().flush();
        assertThat(answers.readLine()).isNotNull();
        int pid = (int) unshare.children().findFirst().orElseThrow().pid();
        return new AskedProgram(unshare, answers, pid);
    }

    /** Says a line, and what it answers; after the first answer its libraries are loaded. */
    String answer(String line) {
        begin(line);
        return read();
    }

    /** Says a line. */
    void begin(String line) {
        try {
            shell.outputWriter().write(line + "\n");
            shell.outputWriter().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its next line, or null at its end. */
    String read() {
        try {
            return answers.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String pid() {
        return Integer.toString(pid);
    }

    @Override
    public void close() {
        try {
            shell.outputWriter().close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        shell.onExit().join();
    }
}
