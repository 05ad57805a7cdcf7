package graft.tests.relocation;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.relocate.Relocation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Runs windows in a program of its own: {@code relocation-runner.c}, which says how they are compared. */
final class RelocationRunner {
    private static final Path SOURCE =
            Path.of(System.getProperty("graft.root"), "tests/src/test/c/relocation-runner.c");
    private static final int HEADER_BYTES = 48;
    private static final int WINDOW_BYTES = 304;
    private static final int BYTES = 32;
    private static final int MOVED_BYTES = 160;
    private static final int MOVES = 8;
    private static final int OPERANDS = 6;

    private final Path folder;
    private final Path program;

    /**
     * What came out.
     *
     * @param windows how many ran
     * @param whole how many of them ran to their end or left by a branch; the others ended in a fault
     * @param differences a line for each
     */
    record Result(long windows, long whole, List<String> differences) {}

    private RelocationRunner(Path folder, Path program) {
        this.folder = folder;
        this.program = program;
    }

    /** Compiles the program into {@code folder}. */
    static RelocationRunner compile(Path folder) throws IOException, InterruptedException {
        Path program = folder.resolve("relocation-runner");
        int status = new ProcessBuilder(
                        "gcc", "-O2", "-fno-stack-protector", "-static", "-o", program.toString(), SOURCE.toString())
                .inheritIO()
                .start()
                .waitFor();
        if (status != 0) {
            throw new IOException("gcc ended with " + status);
        }
        return new RelocationRunner(folder, program);
    }

    Result run(ProgramWindows program, List<ProgramWindows.Displaced> windows)
            throws IOException, InterruptedException {
        Path file = folder.resolve("windows");
        Files.write(file, encode(program, windows));
        Path output = folder.resolve("output");
        int status = new ProcessBuilder(this.program.toString(), file.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start()
                .waitFor();
        List<String> lines =
                Files.readString(output, StandardCharsets.UTF_8).lines().toList();
        List<String> differences = new ArrayList<>();
        Optional<Result> result = Optional.empty();
        for (String line : lines) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "differs" -> differences.add(line + ": " + describe(program, windows, words[1]));
                case "ran" ->
                    result = Optional.of(
                            new Result(Long.parseLong(words[1], 16), Long.parseLong(words[3], 16), differences));
                default -> throw new IOException(line);
            }
        }
        return result.orElseThrow(() -> new IOException("the runner ended with " + status + " and said " + lines));
    }

    private static String describe(ProgramWindows program, List<ProgramWindows.Displaced> windows, String number) {
        ProgramWindows.Displaced window = windows.get((int) Long.parseLong(number, 16));
        return program.file() + " " + window.insns() + " moved "
                + HexFormat.of().formatHex(window.moved()) + " to " + program.pool();
    }

    private static byte[] encode(ProgramWindows program, List<ProgramWindows.Displaced> windows) {
        ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + windows.size() * WINDOW_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        long page = program.text().value() & -4096L;
        out.putLong(windows.size()).putLong(page);
        out.putLong(program.text().value() + program.textSize() - page + 4095 & -4096L);
        out.putLong(program.image().value()).putLong(program.imageSize() + 4095 & -4096L);
        out.putLong(program.pool().value());
        windows.forEach(window -> put(out, program.pool(), window));
        return out.array();
    }

    private static void put(ByteBuffer out, RemoteAddress pool, ProgramWindows.Displaced window) {
        int start = out.position();
        List<Long> operands = window.insns().stream()
                .flatMap(insn -> insn.ripTarget().stream())
                .map(RemoteAddress::value)
                .toList();
        int length = window.insns().stream().mapToInt(X64Insn::length).sum();
        out.putLong(window.seed()).putLong(window.start().value());
        out.putInt(length).putInt(window.moved().length);
        out.put((byte) window.places().size()).put((byte) operands.size()).put((byte) (window.calls() ? 1 : 0));
        out.position(start + 32);
        window.insns().forEach(insn -> out.put(insn.bytes()));
        out.position(start + 32 + BYTES);
        out.put(window.moved());
        out.position(start + 32 + BYTES + MOVED_BYTES);
        for (Relocation.Moved moved : window.places()) {
            out.putShort((short) moved.insn().address().minus(window.start()));
            out.putShort((short) moved.to().minus(pool));
        }
        out.position(start + 32 + BYTES + MOVED_BYTES + 4 * MOVES);
        operands.forEach(out::putLong);
        out.position(start + 32 + BYTES + MOVED_BYTES + 4 * MOVES + 8 * OPERANDS);
    }
}
