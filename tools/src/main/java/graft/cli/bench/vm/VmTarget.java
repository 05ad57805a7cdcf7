package graft.cli.bench.vm;

import graft.cli.bench.AskedProcess;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;

/** The process in which programs run ({@code vm-target.c}). Closing ends it by closing its input. */
public final class VmTarget implements AutoCloseable {
    private static final HexFormat HEX = HexFormat.of();

    private final AskedProcess process;
    private final long code;
    private final long data;

    /** A workload as gcc compiled it. */
    public record Native(long function, long state) {}

    private VmTarget(AskedProcess process) {
        this.process = process;
        String[] words = process.hello().split(" ");
        this.code = Long.parseUnsignedLong(words[1], 16);
        this.data = Long.parseUnsignedLong(words[3], 16);
    }

    /** Starts the executable and waits until it answers. */
    public static VmTarget start(Path executable) {
        return new VmTarget(AskedProcess.start("code ", executable.toString()));
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
        String[] words = process.ask("native " + workload).getFirst().split(" ");
        return new Native(Long.parseUnsignedLong(words[0], 16), Long.parseUnsignedLong(words[1], 16));
    }

    /** Puts bytes into its memory. */
    public void write(long address, byte[] bytes) {
        process.ask("write " + Long.toHexString(address) + " " + HEX.formatHex(bytes));
    }

    /** Bytes of its memory. */
    public byte[] read(long address, int count) {
        return HEX.parseHex(
                process.ask("read " + Long.toHexString(address) + " " + count).getFirst());
    }

    /** Calls {@code function} once. */
    public void run(long function) {
        process.ask("run " + Long.toHexString(function));
    }

    /** Calls each function for about {@code nanoseconds}; nanoseconds per call, in order. */
    public List<Double> batch(long nanoseconds, List<Long> functions) {
        String list = functions.stream().map(Long::toHexString).collect(Collectors.joining(" "));
        return process.ask("batch " + nanoseconds + " " + list).stream()
                .map(Double::valueOf)
                .toList();
    }

    @Override
    public void close() {
        process.close();
    }
}
