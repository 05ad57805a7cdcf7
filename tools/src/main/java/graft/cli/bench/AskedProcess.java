package graft.cli.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A process that takes commands, a line each, and ends its answers with {@code done}. Closing its input ends it. */
public final class AskedProcess implements AutoCloseable {
    private final Process process;
    private final BufferedWriter commands;
    private final BufferedReader answers;
    private final String hello;

    private AskedProcess(Process process, BufferedReader answers, String hello) {
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.US_ASCII);
        this.answers = answers;
        this.hello = hello;
    }

    /** Starts it and waits for its first line, which begins with {@code greeting}. */
    public static AskedProcess start(String greeting, String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader answers = process.inputReader(StandardCharsets.US_ASCII);
            String hello = answers.readLine();
            if (hello == null || !hello.startsWith(greeting)) {
                process.destroy();
                throw new IOException("it did not say \"" + greeting + "\"");
            }
            return new AskedProcess(process, answers, hello);
        } catch (IOException e) {
            throw new UncheckedIOException("starting " + String.join(" ", command), e);
        }
    }

    /** What it said first. */
    public String hello() {
        return hello;
    }

    /** Gives a command whose answer is asked for later. */
    void say(String command) {
        try {
            commands.write(command);
            commands.newLine();
            commands.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("telling the target: " + command, e);
        }
    }

    /** Gives a command and waits for the lines of its answer. */
    public List<String> ask(String command) {
        say(command);
        try {
            List<String> lines = new ArrayList<>();
            String line = answers.readLine();
            while (line != null && !line.equals("done")) {
                lines.add(line);
                line = answers.readLine();
            }
            if (line == null) {
                throw new IOException("the target ended");
            }
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException("asking the target: " + command, e);
        }
    }

    @Override
    public void close() {
        try {
            commands.close();
            process.waitFor();
        } catch (IOException e) {
            process.destroy();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
