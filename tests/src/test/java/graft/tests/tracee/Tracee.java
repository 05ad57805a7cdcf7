package graft.tests.tracee;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A running tracee (see {@code tracee.h}). Its parent is a shell, because Java waits for its own children in a thread that
 * would take the stops of a tracer in this process. Closing kills it.
 */
final class Tracee implements AutoCloseable {
    private final Process shell;
    private final BufferedReader answers;
    private final BufferedWriter orders;
    private final int pid;

    /** Starts a compiled one and waits until it answers. */
    Tracee(Path program) {
        this(List.of(program.toString()));
    }

    /** Starts it and waits until it answers. */
    Tracee(List<String> command) {
        List<String> started = new ArrayList<>(List.of("sh", "-c", "exec 3<&0; \"$0\" \"$@\" <&3 & echo $!; wait $!"));
        started.addAll(command);
        try {
            this.shell = new ProcessBuilder(started)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        this.answers = shell.inputReader();
        this.orders = shell.outputWriter();
        this.pid = Integer.parseInt(line());
        run(1);
    }

    boolean isAlive() {
        return ProcessHandle.of(pid).isPresent();
    }

    int pid() {
        return pid;
    }

    /**
     * Lets it do its work and check itself.
     *
     * @return how often each of its probes must have fired
     */
    List<Long> run(long times) {
        begin("run " + times);
        return answer();
    }

    /** Starts work that goes on until {@link #endTurn}. */
    void beginTurn(long times) {
        begin("turn " + times);
    }

    /** Ends the work and takes what the tracee says of it. */
    void endTurn() {
        run(0);
        answer();
    }

    /** Lets it start its program anew, in the same process. */
    void exec() {
        begin("exec 0");
        answer();
    }

    private void begin(String order) {
        try {
            orders.write(order + "\n");
            orders.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("the tracee has ended", e);
        }
    }

    private List<Long> answer() {
        String[] words = line().split(" ");
        if (!words[0].equals("ok")) {
            throw new AssertionError("the tracee says: " + String.join(" ", words));
        }
        return Arrays.stream(words).skip(1).map(Long::valueOf).toList();
    }

    private String line() {
        try {
            String line = answers.readLine();
            if (line == null) {
                throw new AssertionError(
                        "the tracee ended with " + shell.onExit().join().exitValue());
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        shell.onExit().join();
    }
}
