package graft.tests.fuzz;

import graft.ebpf.btf.Btf;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.verifier.Verdict;
import graft.tests.object.RealObjects;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** eBPF objects: ELF, BTF, .BTF.ext, CO-RE against this kernel's types, maps, linking; then verifier and compiler. */
public final class ObjectFuzz {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");
    private static final int PROGRAMS = 16;
    private static final Optional<Btf> KERNEL = kernelTypes();

    private ObjectFuzz() {}

    /** Jazzer's entry. */
    public static void fuzzerTestOneInput(byte[] input) {
        switch (ObjectLoader.load("input.bpf.o", input, () -> KERNEL)) {
            case LoadResult.Loaded(var spec, var notes) -> {
                notes.forEach(note -> Outcome.says(note, spec));
                run(spec);
            }
            case LoadResult.Refused refused -> {
                Outcome.says(refused.where(), refused);
                Outcome.says(refused.why(), refused);
                Outcome.says(refused.suggestion(), refused);
            }
        }
    }

    private static void run(CollectionSpec spec) {
        if (spec.programs().size() > PROGRAMS) {
            return;
        }
        for (RealObjects.Outcome outcome : new RealObjects().outcomes(spec, Outcome.BUDGET)) {
            switch (outcome.verdict()) {
                case Verdict.Accepted _ ->
                    Outcome.says(outcome.compilation().orElseThrow().toString(), outcome);
                case Verdict.Rejected(var rejection) -> {
                    Outcome.says(rejection.headline(), rejection);
                    Outcome.says(rejection.why(), rejection);
                    Outcome.says(rejection.details(), rejection);
                }
            }
        }
    }

    private static Optional<Btf> kernelTypes() {
        try {
            return Files.isReadable(KERNEL_TYPES)
                    ? Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)))
                    : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + KERNEL_TYPES, e);
        }
    }
}
