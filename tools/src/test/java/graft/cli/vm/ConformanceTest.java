package graft.cli.vm;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.Main;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnKind;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.object.ProgType;
import graft.ebpf.object.RawProgram;
import graft.platform.linux.BpfProgram;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The instruction set by vectors: the interpreter, machine code, the commands and the kernel (which needs root). */
class ConformanceTest {
    private static final HexFormat HEX = HexFormat.of();

    private final VectorTable table = VectorTable.read();

    @Test
    void theInterpreterFollowsEveryVector() {
        try (Engine engine = new InterpretedEngine()) {
            follow(engine, table.plain());
            follow(engine, table.overRegisters());
        }
    }

    @Test
    void machineCodeFollowsEveryVector() {
        try (Engine engine = new CompiledEngine()) {
            follow(engine, table.plain());
            follow(engine, table.overRegisters());
        }
    }

    private static void follow(Engine engine, List<Vector> vectors) {
        for (Vector vector : vectors) {
            Outcome outcome = engine.run(RawProgram.of("vector", ProgType.UPROBE, vector.insns()), vector.memory());
            String left = switch (outcome) {
                case Outcome.Returned(long r0, byte[] memory) -> vector.text(r0, memory);
                case Outcome.Failed(String why) -> why;
            };
            assertThat(left).as(vector.name()).isEqualTo(vector.expected());
        }
    }

    @Test
    void theKernelFollowsEveryVectorThatItTakes() {
        try (KernelVectors kernel = new KernelVectors()) {
            for (Vector vector : table.plain()) {
                switch (vector.kernel()) {
                    case TAKES ->
                        assertThat(kernel.run(vector)).as(vector.name()).isEqualTo(vector.expected());
                    case REFUSES ->
                        assertThat(kernel.refuses(vector)).as(vector.name()).isTrue();
                }
            }
        }
    }

    @Test
    void theCommandAnswersTheSame() {
        for (String engine : List.of("jit", "interp")) {
            List<Vector> vectors = table.plain();
            StringBuilder lines = new StringBuilder();
            StringBuilder expected = new StringBuilder();
            for (int i = 0; i < vectors.size(); i++) {
                Vector vector = vectors.get(i);
                String memory = vector.memory().length == 0 ? "-" : HEX.formatHex(vector.memory());
                lines.append("v%d %s %s\n".formatted(i, memory, HEX.formatHex(code(vector))));
                expected.append("v%d ok %x\n".formatted(i, vector.r0()));
            }
            assertThat(graft(lines.toString(), "vm", "exec", "--batch", "--engine", engine))
                    .isEqualTo(expected.toString());
        }
    }

    @Test
    void oneProgramAtATimeAnswersTheSame() {
        Vector first = table.plain().getFirst();
        assertThat(graft(HEX.formatHex(code(first)), "vm", "exec", "")).isEqualTo("%x\n".formatted(first.r0()));
    }

    /** Not in this instruction set: packet loads, as there are no packets, and everything that no compiler writes. */
    @Test
    void whatDoesNotExistIsRefusedHereAndByTheKernel() {
        String exit = "b700000000000000" + "9500000000000000";
        for (String slot : table.refused()) {
            assertThat(graft("x - " + slot + exit, "vm", "exec", "--batch"))
                    .as(slot)
                    .startsWith("x err ");
            assertThat(BpfProgram.refusal(BpfProgram.SYSCALL, HEX.parseHex(slot + exit)))
                    .as(slot)
                    .isNotZero();
        }
    }

    @Test
    void everyInstructionHasAVector() {
        TreeSet<String> seen = table.plain().stream()
                .flatMap(vector -> vector.insns().insns().stream())
                .map(InsnKind::of)
                .collect(Collectors.toCollection(TreeSet::new));
        TreeSet<String> missing = new TreeSet<>(InsnKind.ALL);
        missing.removeAll(seen);
        assertThat(missing).isEmpty();
        assertThat(InsnKind.ALL).containsAll(seen);
    }

    private static byte[] code(Vector vector) {
        return InsnEncoder.encode(vector.insns(), SymbolEncoder.NONE);
    }

    private static String graft(String input, String... args) {
        StringWriter out = new StringWriter();
        InputStream before = System.in;
        try {
            System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.US_ASCII)));
            Main.run(new PrintWriter(out, true), new PrintWriter(new StringWriter(), true), args);
        } finally {
            System.setIn(before);
        }
        return out.toString();
    }
}
