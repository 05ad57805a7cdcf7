package graft.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.btf.Btf;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Runs compilers, and loads what they made. */
final class Commands {
    private static final Path ROOT = Path.of(System.getProperty("graft.root"));

    private Commands() {}

    static void run(String... command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes());
        assertThat(process.onExit().join().exitValue()).as(output).isZero();
    }

    /** A program of the end-to-end tests. */
    static CollectionSpec object(Path folder, String name) throws IOException {
        return compiled(folder, ROOT.resolve("tests/src/test/bpf").resolve(name + ".bpf.c"));
    }

    /** A program with this text behind the usual headers. */
    static CollectionSpec source(Path folder, String text) throws IOException {
        String headers = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include \"registers.h\"\n";
        Path source = folder.resolve("source.bpf.c");
        return compiled(
                folder, Files.writeString(source, headers + text + "\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n"));
    }

    private static CollectionSpec compiled(Path folder, Path source) throws IOException {
        Path object = folder.resolve(source.getFileName() + ".o");
        String machine = System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");
        run(
                "clang",
                "-g",
                "-O2",
                "-target",
                "bpf",
                "-mcpu=v3",
                "-I" + ROOT.resolve("tools/src/main/bpf"),
                "-I/usr/include/" + machine + "-linux-gnu",
                "-c",
                source.toString(),
                "-o",
                object.toString());
        LoadResult result = ObjectLoader.load(source.toString(), Files.readAllBytes(object), Commands::kernelTypes);
        assertThat(result).isInstanceOf(LoadResult.Loaded.class);
        return ((LoadResult.Loaded) result).spec();
    }

    private static Optional<Btf> kernelTypes() {
        try {
            return Optional.of(Btf.parse(Files.readAllBytes(Path.of("/sys/kernel/btf/vmlinux"))));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    static KernelCollection loaded(CollectionSpec spec, Set<Integer> pids) {
        return loaded(spec, Map.of(), pids);
    }

    static KernelCollection loaded(CollectionSpec spec, Map<String, KernelMap> shared, Set<Integer> pids) {
        KernelLoad load = KernelCollection.load(spec, shared, pids);
        assertThat(load).isInstanceOf(KernelLoad.Loaded.class);
        return ((KernelLoad.Loaded) load).collection();
    }

    static KernelLink attached(KernelAttach attach) {
        assertThat(attach).isInstanceOf(KernelAttach.Attached.class);
        return ((KernelAttach.Attached) attach).link();
    }
}
