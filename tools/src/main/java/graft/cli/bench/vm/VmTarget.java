package graft.cli.bench.vm;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/** The process in which programs run ({@code vm-target.c}). Closing ends it by closing its input. */
public final class VmTarget implements AutoCloseable {
    private static final HexFormat HEX = HexFormat.of();

    private final Process process;
    private final BufferedWriter commands;
    private final BufferedReader answers;
    private final long code;
    private final long data;

    /** A workload as gcc compiled it. */
    public record Native(long function, long state) {}

    private VmTarget(Process process, BufferedReader answers, String hello) {
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.US_ASCII);
        this.answers = answers;
        String[] words = hello.split(" ");
        this.code = Long.parseUnsignedLong(words[1], 16);
        this.data = Long.parseUnsignedLong(words[3], 16);
    }

    /** Starts the executable and waits until it answers. */
    public static VmTarget start(Path executable) {
        try {
            Process process = new ProcessBuilder(executable.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader answers =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
            String hello = answers.readLine();
            if (hello == null || !hello.startsWith("code ")) {
                process.destroy();
                throw new IOException("the target did not start: " + executable);
            }
            return new VmTarget(process, answers, hello);
        } catch (IOException e) {
            throw new UncheckedIOException("starting the target", e);
        }
    }

    /** A megabyte for code; data can follow it directly. */
    public long code() {
        return code;
    }

    /** A megabyte for data. */
    public long data() {
        return data;
    }

    /** The native build of {@code workload}. */
    public Native nativeOf(String workload) {
        String[] words = ask("native " + workload).getFirst().split(" ");
        return new Native(Long.parseUnsignedLong(words[0], 16), Long.parseUnsignedLong(words[1], 16));
    }

    /** Puts bytes into its memory. */
    public void write(long address, byte[] bytes) {
        ask("write " + Long.toHexString(address) + " " + HEX.formatHex(bytes));
    }

    /** Bytes of its memory. */
    public byte[] read(long address, int count) {
        return HEX.parseHex(
                ask("read " + Long.toHexString(address) + " " + count).getFirst());
    }

    /** Calls {@code function} once. */
    public void run(long function) {
        ask("run " + Long.toHexString(function));
    }

    /** Calls each function for about {@code nanoseconds}; nanoseconds per call, in order. */
    public List<Double> batch(long nanoseconds, List<Long> functions) {
        String list = functions.stream().map(Long::toHexString).collect(Collectors.joining(" "));
        return ask("batch " + nanoseconds + " " + list).stream()
                .map(Double::valueOf)
                .toList();
    }

    private List<String> ask(String command) {
        try {
            commands.write(command);
            commands.newLine();
            commands.flush();
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
            throw new UncheckedIOException("asking the target", e);
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
