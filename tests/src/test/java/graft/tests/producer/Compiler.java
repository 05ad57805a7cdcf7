package graft.tests.producer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A compiler for BPF other than clang, unpacked in the user's cache. */
enum Compiler {
    RUST,
    GCC;

    private static final Path ROOT = Path.of(System.getProperty("graft.root"));
    private static final Path SOURCES = ROOT.resolve("tests/src/test");

    /** What became of compiling. */
    sealed interface Making {
        /** The object. */
        record Made(Path object) implements Making {}

        /** The compiler cannot be had here. */
        record Missing(String why) implements Making {}
    }

    /** Compiles the program that counts calls. */
    Making countCalls(Path folder) throws IOException {
        Answer fetch = run(Map.of(), SOURCES.resolve("producers/fetch").toString(), name().toLowerCase(Locale.ROOT));
        if (fetch.status != 0) {
            return new Making.Missing(fetch.errors);
        }
        Path usr = Path.of(fetch.output.strip()).resolve("usr");
        Path object = folder.resolve(name() + ".bpf.o");
        switch (this) {
            case RUST -> rust(usr, folder.resolve("count_calls.s"), object);
            case GCC -> gcc(usr, object);
        }
        return new Making.Made(object);
    }

    /** For BPF, rustc's own objects are LLVM's: assembly is what other tools read. */
    private static void rust(Path usr, Path assembly, Path object) throws IOException {
        String libraries = usr.resolve("lib/x86_64-linux-gnu").toString();
        succeeds(run(
                Map.of("LD_LIBRARY_PATH", libraries),
                usr.resolve("bin/rustc").toString(),
                "--edition=2021",
                "--crate-type=lib",
                "--emit=asm",
                "--target=bpfel-unknown-none",
                "-Copt-level=3",
                "-Cpanic=abort",
                "-Cdebuginfo=2",
                "-Ccodegen-units=1",
                "-o",
                assembly.toString(),
                SOURCES.resolve("rust/count_calls.rs").toString()));
        succeeds(run(Map.of(), "clang", "-target", "bpf", "-c", assembly.toString(), "-o", object.toString()));
    }

    private static void gcc(Path usr, Path object) throws IOException {
        Path programs = usr.resolve("bin");
        succeeds(run(
                Map.of("PATH", programs + ":" + System.getenv("PATH")),
                programs.resolve("bpf-gcc").toString(),
                "-O2",
                "-gbtf",
                "-mco-re",
                "-idirafter",
                "/usr/include",
                "-idirafter",
                "/usr/include/x86_64-linux-gnu",
                "-c",
                SOURCES.resolve("bpf-gcc/count_calls.c").toString(),
                "-o",
                object.toString()));
    }

    private record Answer(int status, String output, String errors) {}

    private static void succeeds(Answer answer) {
        if (answer.status != 0) {
            throw new AssertionError(answer.errors);
        }
    }

    private static Answer run(Map<String, String> environment, String... command) throws IOException {
        Path errors = Files.createTempFile("graft-compiler", ".log");
        ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(List.of(command))).redirectError(errors.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.onExit().join().exitValue();
        String said = Files.readString(errors);
        Files.delete(errors);
        return new Answer(status, output, said);
    }
}
