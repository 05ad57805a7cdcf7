package graft.cli.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The process that is measured ({@code bench-target.c}). It is started by a shell and not by this JVM, whose reaper
 * thread would otherwise take the tracer's stops; closing ends it by closing its input.
 */
public final class BenchTarget implements AutoCloseable {
    private final Process shell;
    private final BufferedWriter commands;
    private final BufferedReader answers;
    private final int pid;

    private BenchTarget(Process shell, BufferedWriter commands, BufferedReader answers, int pid) {
        this.shell = shell;
        this.commands = commands;
        this.answers = answers;
        this.pid = pid;
    }

    /** Starts the target's executable and waits until it answers. */
    public static BenchTarget start(Path executable) {
        try {
            Process shell = new ProcessBuilder("/bin/sh", "-c", "\"$0\"; exit $?", executable.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedWriter commands = shell.outputWriter(StandardCharsets.US_ASCII);
            BufferedReader answers =
                    new BufferedReader(new InputStreamReader(shell.getInputStream(), StandardCharsets.US_ASCII));
            String hello = answers.readLine();
            if (hello == null || !hello.startsWith("pid ")) {
                shell.destroy();
                throw new IOException("the bench target did not start: " + executable);
            }
            return new BenchTarget(shell, commands, answers, Integer.parseInt(hello.substring("pid ".length())));
        } catch (IOException e) {
            throw new UncheckedIOException("starting the bench target", e);
        }
    }

    public int pid() {
        return pid;
    }

    /** Runs {@code rounds} interleaved batches of {@code calls} calls of each row; nanoseconds per call, by row. */
    public Map<String, Samples> measure(int rounds, long calls, List<String> rows) {
        Map<String, List<Double>> measured = new LinkedHashMap<>();
        for (String line : ask("measure " + rounds + " " + calls + " " + String.join(" ", rows))) {
            int space = line.indexOf(' ');
            measured.computeIfAbsent(line.substring(0, space), _ -> new ArrayList<>())
                    .add(Double.valueOf(line.substring(space + 1)));
        }
        Map<String, Samples> samples = new LinkedHashMap<>();
        measured.forEach((row, values) -> samples.put(
                row, Samples.of(values.stream().mapToDouble(Double::doubleValue).toArray())));
        return samples;
    }

    /** How often the target called {@code row} so far. */
    public long calls(String row) {
        String line = ask("count " + row).getFirst();
        return Long.parseLong(line.substring(line.indexOf(' ') + 1));
    }

    /** Lets the target spin and watch the clock until {@link #longestGap}. */
    public void watchClock() {
        try {
            say("gap");
        } catch (IOException e) {
            throw new UncheckedIOException("asking the bench target to watch its clock", e);
        }
    }

    /** Ends the watching. @return nanoseconds of the longest time in which the target did not run */
    public long longestGap() {
        String line = ask("").getFirst();
        return Long.parseLong(line.substring(line.indexOf(' ') + 1));
    }

    private void say(String command) throws IOException {
        commands.write(command);
        commands.newLine();
        commands.flush();
    }

    private List<String> ask(String command) {
        try {
            say(command);
            List<String> lines = new ArrayList<>();
            String line = answers.readLine();
            while (line != null && !line.equals("done")) {
                lines.add(line);
                line = answers.readLine();
            }
            if (line == null) {
                throw new IOException("the bench target ended while it was measured");
            }
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException("asking the bench target: " + command, e);
        }
    }

    @Override
    public void close() {
        try {
            commands.close();
            shell.waitFor();
        } catch (IOException e) {
            shell.destroy();
        } catch (InterruptedException e) {
            shell.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
