package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What an object may ask about the kernel it is loaded for. Read only when asked for.
 *
 * @param types the kernel's BTF
 * @param config the text of its build configuration
 * @param release as {@code uname -r} prints it, empty when not known
 */
public record KernelFacts(Supplier<Optional<Btf>> types, Supplier<Optional<String>> config, String release) {
    /** Nothing is known. */
    public static final KernelFacts NONE = new KernelFacts(Optional::empty, Optional::empty, "");

    /** Only the types are known. */
    public static KernelFacts ofTypes(Supplier<Optional<Btf>> types) {
        return new KernelFacts(types, Optional::empty, "");
    }

    /** {@code KERNEL_VERSION} of the release; 0 when it is not known. */
    int version() {
        String[] parts = release.split("[^0-9]+");
        if (parts.length < 2 || parts[0].isEmpty()) {
            return 0;
        }
        int patch = parts.length > 2 ? Math.min(255, number(parts[2])) : 0;
        return number(parts[0]) << 16 | number(parts[1]) << 8 | patch;
    }

    private static int number(String digits) {
        return digits.length() > 4 ? 0 : Integer.parseInt(digits);
    }
}
