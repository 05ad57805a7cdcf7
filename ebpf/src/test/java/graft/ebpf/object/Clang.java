package graft.ebpf.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Objects that clang makes of C source in the tests. */
final class Clang {
    static final String PRELUDE = """
            #define SEC(name) __attribute__((section(name), used))
            #define __uint(name, val) int (*name)[val]
            #define __type(name, val) typeof(val) *name
            #define __array(name, val) typeof(val) *name[]
            #define __weak __attribute__((weak))
            #define __relocated __attribute__((preserve_access_index))
            typedef unsigned char u8;
            typedef unsigned short u16;
            typedef unsigned int u32;
            typedef unsigned long long u64;
            typedef int s32;
            typedef long long s64;
            char LICENSE[] SEC("license") = "GPL";
            """;

    private Clang() {}

    /** The object of a source that begins with the usual macros and names of integers. */
    static byte[] object(String source, String... options) {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/clang")));
        try {
            Path folder = Files.createTempDirectory("graft-clang");
            Path file = Files.writeString(folder.resolve("program.bpf.c"), PRELUDE + "#line 1\n" + source);
            Path object = folder.resolve("program.bpf.o");
            List<String> command = new ArrayList<>(List.of(newest(), "-g", "-O2", "-target", "bpf", "-w"));
            command.addAll(List.of(options));
            command.addAll(List.of("-c", file.toString(), "-o", object.toString()));
            Process clang = new ProcessBuilder(command).inheritIO().start();
            assertThat(clang.onExit().join().exitValue()).isZero();
            byte[] bytes = Files.readAllBytes(object);
            Files.delete(file);
            Files.delete(object);
            Files.delete(folder);
            return bytes;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Newer ones know more kinds of relocations. */
    private static String newest() {
        return Files.isExecutable(Path.of("/usr/bin/clang-19")) ? "clang-19" : "clang";
    }

    /** What the loader makes of a source. */
    static CollectionSpec load(String source, KernelFacts kernel, String... options) {
        LoadResult result = ObjectLoader.load("program.bpf.o", object(source, options), kernel);
        assertThat(result).as(result.toString()).isInstanceOf(LoadResult.Loaded.class);
        return ((LoadResult.Loaded) result).spec();
    }

    /** Why the loader refuses a source, if it does. */
    static Optional<LoadResult.Refused> refusal(String source, KernelFacts kernel) {
        return ObjectLoader.load("program.bpf.o", object(source), kernel) instanceof LoadResult.Refused refused
                ? Optional.of(refused)
                : Optional.empty();
    }
}
