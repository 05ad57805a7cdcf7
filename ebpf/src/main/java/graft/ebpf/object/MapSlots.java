package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfRelocation;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The maps and programs that definitions in {@code .maps} put into maps of maps and arrays of programs: relocations in the
 * member {@code values}, which comes last.
 */
record MapSlots(ElfFile elf, Btf types, MapSymbols maps) {
    private static final int POINTER = 8;

    /** By the name of the map that they are put into. */
    Map<String, List<MapSpec.Slot>> read() {
        Map<String, List<MapSpec.Slot>> found = new HashMap<>();
        for (ElfSection section : elf.sections()) {
            if (section.type() == ElfSection.REL && isDefinitions(section.info())) {
                for (ElfRelocation relocation : elf.relocations(section)) {
                    read(section.info(), relocation, found);
                }
            }
        }
        return found;
    }

    private boolean isDefinitions(int section) {
        return section > 0
                && section < elf.sections().size()
                && elf.sections().get(section).name().equals(MapSymbols.TYPED);
    }

    private void read(int section, ElfRelocation relocation, Map<String, List<MapSpec.Slot>> found) {
        List<ElfSymbol> symbols = elf.symbols(SymbolTable.STATIC);
        if (relocation.symbol() < 0 || relocation.symbol() >= symbols.size()) {
            throw bad(section, "no symbol " + relocation.symbol());
        }
        MapSymbols.Definition map = maps.definitions().stream()
                .filter(definition -> definition.holds(section, relocation.offset()))
                .findFirst()
                .orElseThrow(() -> bad(section, "no map is at " + relocation.offset()));
        long inside = relocation.offset() - map.offset() - valuesOffset(map.name());
        if (inside < 0 || inside % POINTER != 0 || inside / POINTER > Integer.MAX_VALUE) {
            throw bad(section, "%s: %d is no place for a map or a program".formatted(map.name(), relocation.offset()));
        }
        found.computeIfAbsent(map.name(), _ -> new ArrayList<>())
                .add(new MapSpec.Slot(
                        (int) (inside / POINTER),
                        symbols.get(relocation.symbol()).name()));
    }

    private long valuesOffset(String map) {
        for (int id : types.named(map)) {
            if (types.type(id) instanceof BtfType.Variable variable
                    && types.resolved(variable.type()) instanceof BtfType.Composite definition) {
                for (BtfType.Member member : definition.members()) {
                    if (member.name().equals("values")) {
                        return member.bitOffset() / 8;
                    }
                }
            }
        }
        throw new RefusedException(
                LoadResult.Reason.BAD_MAP,
                map,
                "something is put into it, but it has no values",
                "use __array(values, …)");
    }

    private RefusedException bad(int section, String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_MAP,
                elf.sections().get(section).name(),
                why,
                "compile with clang -g -O2 -target bpf");
    }
}
