package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.platform.elf.ElfSymbol;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The kernel's functions that an object calls by name. Weak ones may be absent, or have other parameters than expected. */
record KernelFunctions(Optional<Btf> local, KernelFacts kernel) {
    /** The function's name in the kernel; nothing when it is weak and the kernel has none like it. */
    Optional<String> named(ElfSymbol symbol) {
        String name = Btf.essential(symbol.name());
        boolean certain = symbol.binding() != ElfSymbol.Binding.WEAK
                || kernel.types().get().isEmpty();
        return certain
                        || Stream.concat(kernel.types().get().stream(), kernel.modules().get().stream())
                                .anyMatch(types -> has(types, name, symbol.name()))
                ? Optional.of(name)
                : Optional.empty();
    }

    private boolean has(Btf types, String name, String declared) {
        OptionalInt wanted = local.isEmpty() ? OptionalInt.empty() : prototype(local.get(), declared);
        OptionalInt found = prototype(types, name);
        return found.isPresent()
                && (wanted.isEmpty()
                        || new CoreTypes(local.orElseThrow(), types, new CoreEffort())
                                .mayBeSame(wanted.getAsInt(), found.getAsInt()));
    }

    private static OptionalInt prototype(Btf types, String name) {
        return types.named(name).stream()
                .map(types::type)
                .filter(BtfType.Function.class::isInstance)
                .mapToInt(type -> ((BtfType.Function) type).prototype())
                .findFirst();
    }
}
