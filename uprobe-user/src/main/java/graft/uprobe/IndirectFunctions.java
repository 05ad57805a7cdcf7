package graft.uprobe;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfRelocation;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Functions whose symbol is that of a resolver, as {@code memcpy}. The loader has asked the resolvers and put their answers
 * into words of the process; these words say what runs here.
 */
final class IndirectFunctions {
    /** {@code R_X86_64_GLOB_DAT}, {@code R_X86_64_JUMP_SLOT}, {@code R_X86_64_64}: the address of a symbol. */
    private static final Set<Integer> OF_SYMBOL = Set.of(6, 7, 1);
    /** {@code R_X86_64_IRELATIVE}: what the resolver at the addend answers. */
    private static final int OF_RESOLVER = 37;

    private final TargetModules modules;
    private final TargetModule module;

    IndirectFunctions(TargetModules modules, TargetModule module) {
        this.modules = modules;
        this.module = module;
    }

    /** The implementations that {@code name} stands for; none when nobody in the process calls it by that name. */
    List<ElfSymbol> implementations(String name) {
        List<ElfSymbol> resolvers = Stream.of(SymbolTable.DYNAMIC, SymbolTable.STATIC)
                .flatMap(table -> module.elf().symbols(table).stream())
                .filter(symbol -> symbol.isDefined() && symbol.type() == ElfSymbol.Type.INDIRECT_FUNCTION)
                .filter(symbol -> symbol.name().equals(name))
                .toList();
        if (resolvers.isEmpty()) {
            return List.of();
        }
        Map<RemoteAddress, ElfSymbol> found = new LinkedHashMap<>();
        try (ProcMem memory = ProcMem.open(modules.pid())) {
            for (RemoteAddress word : words(name, resolvers)) {
                Optional<RemoteAddress> answer = answer(memory, word);
                answer.flatMap(address -> implementation(resolvers.getFirst(), address))
                        .ifPresent(symbol -> found.put(answer.get(), symbol));
            }
        }
        return List.copyOf(found.values());
    }

    private static Optional<RemoteAddress> answer(ProcMem memory, RemoteAddress word) {
        try {
            return Optional.of(new RemoteAddress(ByteBuffer.wrap(memory.readBytes(word, Long.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong()));
        } catch (SysException _) {
            return Optional.empty(); // a file may name any place
        }
    }

    /** A word that is not bound yet leads to a stub of the module that calls, not into this one. */
    private Optional<ElfSymbol> implementation(ElfSymbol named, RemoteAddress answer) {
        if (!module.holds(answer)) {
            return Optional.empty();
        }
        TargetModule.FunctionPlace place = module.functionAround(module.virtual(answer), modules.debugFiles());
        return Optional.of(place)
                .filter(function -> function.start().equals(module.virtual(answer)))
                .map(function -> new ElfSymbol(
                        named.index(),
                        named.name(),
                        named.version(),
                        named.isDefault(),
                        function.start(),
                        function.size(),
                        ElfSymbol.Type.FUNCTION,
                        named.binding(),
                        named.visibility(),
                        named.section()));
    }

    private List<RemoteAddress> words(String name, List<ElfSymbol> resolvers) {
        Set<Long> addends =
                resolvers.stream().map(symbol -> symbol.value().value()).collect(Collectors.toSet());
        List<RemoteAddress> words = new ArrayList<>();
        for (String path : modules.paths()) {
            modules.named(path).ifPresent(caller -> {
                List<ElfSymbol> symbols = caller.elf().symbols(SymbolTable.DYNAMIC);
                for (ElfRelocation relocation : loadTimeRelocations(caller)) {
                    boolean bySymbol = OF_SYMBOL.contains(relocation.type())
                            && relocation.symbol() < symbols.size()
                            && symbols.get(relocation.symbol()).name().equals(name);
                    boolean byResolver = caller == module
                            && relocation.type() == OF_RESOLVER
                            && addends.contains(relocation.addend());
                    if (bySymbol || byResolver) {
                        words.add(caller.remote(new ElfVirtualAddress(relocation.offset())));
                    }
                }
            });
        }
        return words;
    }

    /** Those of sections that are loaded: the loader performs them. */
    private static List<ElfRelocation> loadTimeRelocations(TargetModule caller) {
        return caller.elf().sections().stream()
                .filter(section ->
                        section.type() == ElfSection.RELA && section.address().value() != 0)
                .flatMap(section -> caller.elf().relocations(section).stream())
                .toList();
    }
}
