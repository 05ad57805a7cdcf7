package graft.ebpf.object;

import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The symbols of map definitions: {@code .maps} holds those with BTF, {@code maps} the older ones. Instructions name a map
 * by its symbol or by its place in the section.
 */
record MapSymbols(List<Definition> definitions) {
    /** Definitions with BTF. */
    static final String TYPED = ".maps";

    /** Definitions without, which kernels' and Aya's and iproute2's libraries write. */
    static final String UNTYPED = "maps";

    /** One definition; {@code size} reaches to the next one when the symbol has none. */
    record Definition(String name, ElfSection section, long offset, long size) {
        boolean holds(int index, long place) {
            return section.index() == index && place >= offset && place < offset + Math.max(1, size);
        }
    }

    static MapSymbols of(ElfFile elf) {
        List<ElfSymbol> all = elf.symbols(SymbolTable.STATIC).stream()
                .filter(symbol -> symbol.type() == ElfSymbol.Type.OBJECT || symbol.type() == ElfSymbol.Type.NONE)
                .filter(symbol -> !symbol.name().isEmpty() && holdsMaps(elf, symbol))
                .sorted(Comparator.comparingInt(ElfSymbol::section)
                        .thenComparingLong(symbol -> symbol.value().value()))
                .toList();
        return new MapSymbols(java.util.stream.IntStream.range(0, all.size())
                .mapToObj(i -> definition(elf, all, i))
                .toList());
    }

    private static boolean holdsMaps(ElfFile elf, ElfSymbol symbol) {
        if (symbol.section() <= 0 || symbol.section() >= elf.sections().size()) {
            return false;
        }
        String section = elf.sections().get(symbol.section()).name();
        return section.equals(TYPED) || section.equals(UNTYPED);
    }

    private static Definition definition(ElfFile elf, List<ElfSymbol> all, int index) {
        ElfSymbol symbol = all.get(index);
        ElfSection section = elf.sections().get(symbol.section());
        long start = symbol.value().value();
        boolean last = index + 1 == all.size() || all.get(index + 1).section() != symbol.section();
        long end = last ? section.size() : all.get(index + 1).value().value();
        return new Definition(symbol.name(), section, start, symbol.size() > 0 ? symbol.size() : end - start);
    }

    /** The map at a place. */
    Optional<String> at(int section, long offset) {
        return definitions.stream()
                .filter(definition -> definition.holds(section, offset))
                .map(Definition::name)
                .findFirst();
    }

    /** The definitions of a section, in order. */
    List<Definition> in(ElfSection section) {
        return definitions.stream()
                .filter(definition -> definition.section().index() == section.index())
                .toList();
    }
}
