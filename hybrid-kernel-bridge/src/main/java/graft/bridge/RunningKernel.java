package graft.bridge;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfFormatException;
import graft.ebpf.object.KernelFacts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/** What the running kernel says about itself: its types, its configuration, its release. Read when asked for, once. */
public final class RunningKernel {
    private static final Path ALL_TYPES = Path.of("/sys/kernel/btf");
    private static final Path TYPES = ALL_TYPES.resolve("vmlinux");
    private static final Path PACKED_CONFIG = Path.of("/proc/config.gz");
    private static final String RELEASE = System.getProperty("os.version", "");

    private Optional<Btf> types = Optional.empty();
    private Optional<List<Btf>> modules = Optional.empty();

    /** Nothing is read yet. */
    public RunningKernel() {}

    /** For loading objects. */
    public KernelFacts facts() {
        return new KernelFacts(List::of, this::types, this::modules, RunningKernel::config, RELEASE);
    }

    /** The kernel's types; nothing when it does not show them. */
    public Optional<Btf> types() {
        if (types.isEmpty()) {
            try {
                types = Optional.of(Btf.parse(Files.readAllBytes(TYPES)));
            } catch (IOException _) {
                return Optional.empty();
            }
        }
        return types;
    }

    /** The types that its modules add. */
    private List<Btf> modules() {
        if (modules.isEmpty() && types().isPresent()) {
            List<Btf> found = new ArrayList<>();
            try (Stream<Path> files = Files.list(ALL_TYPES)) {
                for (Path file :
                        files.filter(name -> !name.equals(TYPES)).sorted().toList()) {
                    found.add(Btf.parse(Files.readAllBytes(file), types().orElseThrow()));
                }
            } catch (IOException | BtfFormatException _) {
                // A module that goes away meanwhile has no types any more.
            }
            modules = Optional.of(List.copyOf(found));
        }
        return modules.orElse(List.of());
    }

    private static Optional<String> config() {
        try (InputStream packed = new GZIPInputStream(Files.newInputStream(PACKED_CONFIG))) {
            return Optional.of(new String(packed.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException _) {
            return plainConfig();
        }
    }

    private static Optional<String> plainConfig() {
        try {
            return Optional.of(Files.readString(Path.of("/boot/config-" + RELEASE)));
        } catch (IOException _) {
            return Optional.empty();
        }
    }
}
