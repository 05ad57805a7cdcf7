package graft.cli.bench;

import graft.platform.linux.Signals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A whole command as its own process: the launcher, a cold virtual machine, and everything that it does. */
final class ColdCommand {
    private final Path launcher;

    ColdCommand(Path launcher) {
        this.launcher = launcher;
    }

    /**
     * Starts the command and ends it once it says that it is attached, by a line that begins so.
     *
     * @return nanoseconds from the start of the process until then
     */
    long nanosUntil(String attached, List<String> arguments) {
        List<String> words = new ArrayList<>(List.of(launcher.toString()));
        words.addAll(arguments);
        long began = System.nanoTime();
        try {
            Process command = new ProcessBuilder(words)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try (BufferedReader said = command.errorReader()) {
                String line = said.readLine();
                while (line != null && !line.startsWith(attached)) {
                    line = said.readLine();
                }
                long nanos = System.nanoTime() - began;
                Signals.kill(Math.toIntExact(command.pid()), Signals.SIGINT);
                said.lines().forEach(_ -> {});
                command.waitFor();
                if (line == null) {
                    throw new IllegalStateException(words + " did not attach, and ended with " + command.exitValue());
                }
                return nanos;
            }
        } catch (IOException e) {
            throw new UncheckedIOException("running " + words, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while " + words + " ran", e);
        }
    }
}
