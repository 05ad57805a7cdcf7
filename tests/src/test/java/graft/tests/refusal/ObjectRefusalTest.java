package graft.tests.refusal;

import static graft.tests.refusal.Answer.graft;
import static graft.tests.refusal.Answer.refused;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Object files that cannot be used. All of it is told before any process is looked at: the pid does not exist. */
@Timeout(60)
class ObjectRefusalTest {
    private static final Path OBJECTS = Path.of("target/test-classes/bpf");
    private static final String NOWHERE = "67108863";

    @TempDir
    private static Path folder;

    private static byte[] good;

    @BeforeAll
    static void read() throws IOException {
        good = Files.readAllBytes(OBJECTS.resolve("count_work.bpf.o"));
    }

    private static Answer run(Path object) {
        return graft("run", object.toString(), "-p", NOWHERE);
    }

    private static Path file(String name, byte[] content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    @Test
    void noSuchFile() {
        Path missing = folder.resolve("missing.bpf.o");
        assertThat(run(missing))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L001 cannot read " + missing,
                        "  there is no such file",
                        "  try: check the path and its permissions"));
    }

    @Test
    void notAnElfFile() throws IOException {
        Path text = file("text.bpf.o", "int main(void)".repeat(9).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        assertThat(run(text))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L002 cannot load " + text,
                        "  " + text + " at 0x0: not an ELF file",
                        "  try: give an object made by clang -target bpf"));
    }

    /** The same object with another section name of the same length. */
    private static Path inSection(String section) throws IOException {
        String content = new String(good, java.nio.charset.StandardCharsets.ISO_8859_1);
        return file(
                "section.bpf.o",
                content.replace("uprobe/:work", section).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    }

    @Test
    void aProgramOfAKindThatIsNotAttached() throws IOException {
        assertThat(run(inSection("fentry/:work")))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L009 program count cannot be attached",
                        "  its section is fentry/:work: it is attached to a function of the kernel or to another program",
                        "  try: leave it to the program's own loader: --without count"));
    }

    @Test
    void aProgramWithoutRegistersAtAFunction() throws IOException {
        Path object = inSection("tp/some/work");
        assertThat(graft("run", object.toString(), "-p", NOWHERE, "--attach", "count=uprobe:libc.so.6:malloc"))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L009 program count cannot run at a function",
                        "  its section is tp/some/work: it does not expect registers",
                        "  try: leave --attach count out"));
    }

    @Test
    void anOrdinaryProgram() throws IOException {
        Path program = file("program", Files.readAllBytes(Path.of("/bin/true")));
        assertThat(run(program))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L003 cannot load " + program,
                        "  not an eBPF object",
                        "  try: compile with clang -target bpf"));
    }

    @Test
    void cutOffAnywhere() throws IOException {
        for (int length = 0; length < good.length; length += 97) {
            Path cut = file("cut.bpf.o", Arrays.copyOf(good, length));
            Answer answer = run(cut);
            assertThat(answer.status()).as(answer.err()).isEqualTo(4);
            assertThat(answer.err().lines().toList())
                    .as("cut off after %d bytes", length)
                    .hasSize(3)
                    .satisfies(lines -> {
                        assertThat(lines.get(0)).isEqualTo("GRAFT-L002 cannot load " + cut);
                        assertThat(lines.get(1)).startsWith("  " + cut + " at 0x");
                        assertThat(lines.get(2)).startsWith("  try: ");
                    });
        }
    }

    @Test
    void aSectionHeaderTableThatIsNotThere() throws IOException {
        byte[] bytes = good.clone();
        Arrays.fill(bytes, 0x28, 0x30, (byte) 0x7f);
        Path damaged = file("damaged.bpf.o", bytes);
        Answer answer = run(damaged);
        assertThat(answer.status()).isEqualTo(4);
        assertThat(answer.err()).startsWith("GRAFT-L002 cannot load " + damaged + "\n  " + damaged + " at 0x");
    }

    @Test
    void noPrograms() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("empty.c"), "int number = 3;\n");
        Path object = folder.resolve("empty.bpf.o");
        CountingTarget.run(
                List.of("clang", "-g", "-O2", "-target", "bpf", "-c", source.toString(), "-o", object.toString()));
        assertThat(run(object))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L004 cannot load " + object,
                        "  no program in it",
                        "  try: mark functions with SEC(\"uprobe/…\")"));
    }

    @Test
    void cSourceIsNotAnObject() throws IOException {
        Path source = Files.writeString(folder.resolve("tool.bpf.c"), "int number = 3;\n");
        assertThat(run(source))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L002 cannot load " + source,
                        "  it is C source; graft takes what clang makes of it",
                        "  try: clang -g -O2 -target bpf -c " + source + " -o " + folder.resolve("tool.bpf.o")));
    }

    @Test
    void clangIsMissing() throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("own.bpf.c"), "int number = 3;\n");
        Map<String, String> nothing = Map.of("PATH", folder.toString());
        assertThat(graft(List.of(), nothing, "run", source.toString(), "-p", NOWHERE))
                .isEqualTo(refused(
                        5,
                        "GRAFT-D011 cannot load " + source,
                        "  it is C source and has to be compiled first, but clang is missing here",
                        "  try: setup/install as root, or install the package clang"));
        assertThat(graft(List.of(), nothing, "doctor").out())
                .containsPattern("clang +does not +only for writing own programs in C → install clang");
    }

    @Test
    void theBuildSaysThatClangIsMissing() throws IOException, InterruptedException {
        Path tools = Files.createDirectories(folder.resolve("tools"));
        Path dirname = Files.writeString(tools.resolve("dirname"), "#!/bin/sh\nexec /usr/bin/dirname \"$@\"\n");
        Files.setPosixFilePermissions(dirname, PosixFilePermissions.fromString("rwx------"));
        ProcessBuilder builder = new ProcessBuilder(
                "/bin/sh",
                "../tools/src/main/bpf/compile",
                folder.resolve("out").toString(),
                "../tools/src/main/bpf");
        builder.environment().put("PATH", tools.toString());
        Process process = builder.start();
        assertThat(new String(process.getErrorStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
                .isEqualTo("GRAFT-D011 clang is missing: the packaged BPF programs cannot be built\n"
                        + "  try: setup/install as root, or install the package clang\n");
        assertThat(process.waitFor()).isEqualTo(5);
    }

    @Test
    void aProgramWithoutAPlace() {
        Path object = OBJECTS.resolve("refused_null.bpf.o");
        assertThat(run(object))
                .isEqualTo(refused(
                        4,
                        "GRAFT-L007 no place is known for program no_null_test",
                        "  its section is uprobe",
                        "  try: --attach no_null_test=uprobe:FILE:FUNCTION"));
    }

    @Test
    void aProgramThatDoesNotVerifyNamesInstructionRegisterReasonAndLine() {
        Answer answer = graft(
                "run",
                OBJECTS.resolve("refused_null.bpf.o").toString(),
                "--attach",
                "no_null_test=uprobe:libc.so.6:malloc",
                "-p",
                NOWHERE);
        assertThat(answer.status()).isEqualTo(4);
        assertThat(answer.out()).isEmpty();
        assertThat(answer.err()).matches("""
                        GRAFT-V001 program no_null_test refused by the verifier: a pointer may be null
                          at insn 7   r1 = \\*\\(u64 \\*\\)\\(r0 \\+0\\)
                          r0 comes from bpf_map_lookup_elem \\(insn 6\\) and may be null on the path 6 → 7
                          source: \\S*tests/src/test/bpf/refused_null.bpf.c:22   \\S.*
                          try: test r0 for null before insn 7
                        """);
    }

    @Test
    void namesFromFilesDoNotSteerTheTerminal() throws IOException {
        Path odd = file("odd\u001b[31m.bpf.o", new byte[8]);
        assertThat(run(odd).err()).doesNotContain("\u001b").contains("odd\\x1b[31m.bpf.o");
    }
}
