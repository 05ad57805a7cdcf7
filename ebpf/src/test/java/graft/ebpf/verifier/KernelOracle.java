package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.KernelCall;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.WideEncoding;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/** The running kernel's verdicts, from a small C program compiled in {@code folder}. */
final class KernelOracle {
    private final Path folder;

    KernelOracle(Path folder) {
        this.folder = folder;
    }

    /** One line per case: "accept", or "reject" with errno and the last line of the log. */
    List<String> ask(List<VerifierCases.Case> cases) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("oracle.c"), VerifierCases.text("oracle.c"));
        Path oracle = folder.resolve("oracle");
        int compiled = new ProcessBuilder("cc", "-o", oracle.toString(), source.toString())
                .inheritIO()
                .start()
                .waitFor();
        assertThat(compiled).isZero();
        StringBuilder input = new StringBuilder();
        for (VerifierCases.Case one : cases) {
            byte[] code = InsnEncoder.encode(one.prog().insns(), new MapNumbers());
            input.append(kernelType(one))
                    .append(' ')
                    .append(HexFormat.of().formatHex(code))
                    .append('\n');
        }
        Path programs = Files.writeString(folder.resolve("programs"), input);
        Path answers = folder.resolve("answers");
        int ran = new ProcessBuilder(oracle.toString())
                .redirectInput(programs.toFile())
                .redirectOutput(answers.toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start()
                .waitFor();
        assertThat(ran).isZero();
        List<String> lines = Files.readAllLines(answers, StandardCharsets.ISO_8859_1);
        assertThat(lines).hasSameSizeAs(cases);
        return lines;
    }

    /** BPF_PROG_TYPE_KPROBE for probes, BPF_PROG_TYPE_TRACEPOINT for system calls. */
    private static int kernelType(VerifierCases.Case one) {
        return switch (one.type()) {
            case UPROBE, URETPROBE, UPROBE_SESSION, USDT, KSYSCALL, KRETSYSCALL -> 2;
            case RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT -> 17;
            case SYSCALL_ENTER, SYSCALL_EXIT, KERNEL_TRACEPOINT, OTHER -> 5;
        };
    }

    /** A map is its place in the list of maps. */
    private static final class MapNumbers implements SymbolEncoder {
        private final List<String> names = List.copyOf(VerifierCases.maps().keySet());

        @Override
        public WideEncoding mapPointer(String map) {
            return new WideEncoding(WideEncoding.MAP_FD, names.indexOf(map));
        }

        @Override
        public WideEncoding mapValue(String map, long offset) {
            return new WideEncoding(WideEncoding.MAP_VALUE, names.indexOf(map) | offset << 32);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            throw new IllegalArgumentException(name);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            throw new IllegalArgumentException(name);
        }
    }
}
