package graft.tests.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.helper.Helper;
import graft.ebpf.jit.Compilation;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.x86_64.X64ProgramCompiler;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.ContextLayout;
import graft.ebpf.verifier.Facts;
import graft.ebpf.verifier.Limits;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** Object files on disk, taken through loader, verifier and compiler, with made-up addresses of a target. */
public final class RealObjects {
    private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");
    private static final long CODE = 0x7f00_0002_0000L;
    private static final long DATA = 0x7f00_4000_0000L;
    private static final long AGENT = 0x7f00_0000_1000L;
    private static final long DESCRIPTORS = 0x7eff_fffe_2000L;

    private Optional<Btf> kernel = Optional.empty();

    /** What became of one program. */
    public record Outcome(String object, ProgSpec program, Verdict verdict, Optional<Compilation> compilation) {}

    /** The objects of a folder, by name. */
    public static List<Path> in(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".bpf.o"))
                    .sorted()
                    .toList();
        }
    }

    LoadResult load(Path file) throws IOException {
        return ObjectLoader.load(file.getFileName().toString(), Files.readAllBytes(file), this::kernelTypes);
    }

    /** Verifies every program that can run in a target and compiles the accepted ones. */
    public List<Outcome> outcomes(CollectionSpec spec) {
        return outcomes(spec, Limits.KERNEL);
    }

    /** The same with limits of the verifier. */
    public List<Outcome> outcomes(CollectionSpec spec, Limits limits) {
        return outcomes(spec, Verifier.of(spec.maps(), limits));
    }

    /** The same with a verifier for the object's maps. */
    List<Outcome> outcomes(CollectionSpec spec, Verifier verifier) {
        List<Outcome> outcomes = new ArrayList<>();
        for (ProgSpec program : spec.programs().values()) {
            if (ContextLayout.of(program.type()).isEmpty()) {
                continue;
            }
            Verdict verdict = verifier.verify(program);
            Optional<Compilation> compilation = switch (verdict) {
                case Verdict.Accepted(var facts) -> Optional.of(compile(spec, program, facts));
                case Verdict.Rejected _ -> Optional.empty();
            };
            outcomes.add(new Outcome(spec.origin(), program, verdict, compilation));
        }
        return outcomes;
    }

    private static Compilation compile(CollectionSpec spec, ProgSpec program, Facts facts) {
        Map<String, MapBinding> maps = new HashMap<>();
        for (MapSpec map : spec.maps().values()) {
            int number = maps.size();
            int stride = (map.valueSize() + 7) / 8 * 8;
            maps.put(
                    map.name(),
                    new MapBinding(
                            map.type(),
                            DESCRIPTORS + 64L * number,
                            DATA + ((long) number << 24),
                            map.maxEntries(),
                            stride));
        }
        Map<Helper, Long> helpers = new EnumMap<>(Helper.class);
        for (Helper helper : Helper.values()) {
            helpers.put(helper, AGENT + 64L * helper.ordinal());
        }
        TargetBinding binding =
                new TargetBinding(maps, helpers, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty());
        return new X64ProgramCompiler().compile(program, facts, binding, CODE);
    }

    private Optional<Btf> kernelTypes() {
        if (kernel.isEmpty() && Files.isReadable(KERNEL_TYPES)) {
            try {
                kernel = Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)));
            } catch (IOException e) {
                throw new UncheckedIOException("reading " + KERNEL_TYPES, e);
            }
        }
        return kernel;
    }
}
