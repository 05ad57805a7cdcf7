package graft.bridge;

import graft.ebpf.btf.Btf;
import graft.ebpf.object.KernelFacts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** What the running kernel says about itself: its types, its configuration, its release. Read when asked for, once. */
public final class RunningKernel {
    private static final Path TYPES = Path.of("/sys/kernel/btf/vmlinux");
    private static final Path PACKED_CONFIG = Path.of("/proc/config.gz");
    private static final String RELEASE = System.getProperty("os.version", "");

    private Optional<Btf> types = Optional.empty();

    /** Nothing is read yet. */
    public RunningKernel() {}

    /** For loading objects. */
    public KernelFacts facts() {
        return new KernelFacts(this::types, RunningKernel::config, RELEASE);
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
