package graft.tests.command;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import graft.platform.linux.Signals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** A graft command in a process of its own. Closing kills it when it still runs. */
public final class GraftProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader errors;
    private final CompletableFuture<String> output;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final StringBuilder said = new StringBuilder();

    private GraftProcess(Process process) {
        this.process = process;
        this.errors = process.errorReader();
        this.output = CompletableFuture.supplyAsync(
                () -> process.inputReader().lines().peek(lines::add).collect(Collectors.joining("\n", "", "\n")),
                Thread.ofPlatform().daemon()::start); // not one of the few that programs are compiled by
    }

    public static GraftProcess start(String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                // A build in the background of a shell ignores signals, and so would what it starts.
                "env",
                "--default-signal",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-Dgraft.root=" + System.getProperty("graft.root"),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments));
        try {
            return new GraftProcess(new ProcessBuilder(command).start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for a line that begins so. */
    public void awaitLine(String beginning) {
        try {
            for (String line = errors.readLine(); line != null; line = errors.readLine()) {
                said.append(line).append('\n');
                if (line.startsWith(beginning)) {
                    return;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("graft ended without saying \"" + beginning + "\": " + said);
    }

    /** Waits for a line of its data that begins so. */
    public void awaitOutput(String beginning) {
        try {
            String line = "";
            while (!line.startsWith(beginning)) {
                line = lines.poll(60, TimeUnit.SECONDS);
                assertThat(line)
                        .as("a line \"%s\"; it said %s", beginning, said)
                        .isNotNull();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    public long pid() {
        return process.pid();
    }

    /** Presses Ctrl-C and waits for the end. */
    public GraftRun interrupt() {
        Signals.kill(Math.toIntExact(process.pid()), Signals.SIGINT);
        return end();
    }

    /** Kills it by SIGKILL and waits until it is gone. */
    public void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Waits for the end. */
    public GraftRun end() {
        errors.lines().forEach(line -> said.append(line).append('\n'));
        int status = process.onExit().join().exitValue();
        return new GraftRun(status, output.join(), said.toString());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
