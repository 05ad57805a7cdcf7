package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What an object may ask about the kernel it is loaded for, and about the programs that it looks into. Read only when
 * asked for.
 *
 * @param programs types of the traced programs and libraries, which CO-RE asks before the kernel's
 * @param types the kernel's BTF
 * @param modules types of the kernel's modules
 * @param config the text of its build configuration
 * @param release as {@code uname -r} prints it, empty when not known
 */
public record KernelFacts(
        Supplier<List<Btf>> programs,
        Supplier<Optional<Btf>> types,
        Supplier<List<Btf>> modules,
        Supplier<Optional<String>> config,
        String release) {
    /** Nothing is known. */
    public static final KernelFacts NONE = new KernelFacts(List::of, Optional::empty, List::of, Optional::empty, "");

    /** Only the types are known. */
    public static KernelFacts ofTypes(Supplier<Optional<Btf>> types) {
        return new KernelFacts(List::of, types, List::of, Optional::empty, "");
    }

    /** The same with types of the programs that the object looks into. */
    public KernelFacts tracing(Supplier<List<Btf>> traced) {
        return new KernelFacts(traced, types, modules, config, release);
    }

    /** What CO-RE looks through before the modules, in order. */
    List<Btf> targets() {
        List<Btf> all = new ArrayList<>(programs.get());
        types.get().ifPresent(all::add);
        return all;
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
