package graft.cli;

import graft.cli.error.Problem;
import graft.ebpf.btf.Btf;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Reads eBPF objects that a user names. */
final class ObjectFiles {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

    private ObjectFiles() {}

    /** The object in a file. */
    static CollectionSpec file(Path path) {
        try {
            return load(path.toString(), Files.readAllBytes(path));
        } catch (IOException e) {
            throw Problem.of("L001", "cannot read " + path)
                    .because(e.toString())
                    .failure();
        }
    }

    private static CollectionSpec load(String origin, byte[] bytes) {
        return switch (ObjectLoader.load(origin, bytes, ObjectFiles::kernelTypes)) {
            case LoadResult.Loaded(var spec, var _) -> spec;
            case LoadResult.Refused refused -> throw SessionProblems.of(refused).failure();
        };
    }

    /** The kernel's types, for CO-RE; read only when an object asks for them. */
    private static Optional<Btf> kernelTypes() {
        try {
            return Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)));
        } catch (IOException _) {
            return Optional.empty();
        }
    }
}
