package graft.cli;

import graft.bridge.RunningKernel;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.daemon.ProgramStart;
import graft.ebpf.btf.Btf;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Reads eBPF objects that a user names. */
final class ObjectFiles {
    private ObjectFiles() {}

    /** The object in a file. */
    static CollectionSpec file(Path path) {
        return file(path, List::of);
    }

    /**
     * The object in a file, or a packaged tool by its name when there is no such file.
     *
     * @param traced types of the programs it looks into
     */
    static CollectionSpec file(Path path, Supplier<List<Btf>> traced) {
        if (path.toString().endsWith(".c") && Files.isRegularFile(path)) {
            throw source(path).failure();
        }
        Optional<PackagedProgram> tool = PackagedProgram.tool(path.toString());
        if (tool.isPresent() && !Files.exists(path)) {
            return load(tool.get().file(), tool.get().bytes(), traced);
        }
        try {
            return load(path.toString(), Files.readAllBytes(path), traced);
        } catch (IOException e) {
            throw Problem.of("L001", "cannot read " + path).because(reason(e)).failure();
        }
    }

    private static Problem source(Path path) {
        String object = path.toString().replaceFirst("\\.c$", ".o");
        boolean canCompile = ProgramStart.find("clang").isPresent();
        return canCompile
                ? Problem.of("L002", "cannot load " + path)
                        .because("it is C source; graft takes what clang makes of it")
                        .remedy("clang -g -O2 -target bpf -c " + path + " -o " + object)
                : Problem.of("D011", "cannot load " + path)
                        .because("it is C source and has to be compiled first, but clang is missing here");
    }

    private static String reason(IOException failed) {
        return switch (failed) {
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "this user may not read it";
            default -> failed.getMessage();
        };
    }

    private static CollectionSpec load(String origin, byte[] bytes, Supplier<List<Btf>> traced) {
        return switch (ObjectLoader.load(
                origin, bytes, new RunningKernel().facts().tracing(traced))) {
            case LoadResult.Loaded(var spec, var _) -> spec;
            case LoadResult.Refused refused ->
                throw SessionProblems.of(origin, refused).failure();
        };
    }
}
