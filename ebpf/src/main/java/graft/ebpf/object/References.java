package graft.ebpf.object;

import graft.ebpf.insn.Wide;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import java.util.Optional;

/** What the symbols of relocations mean for instructions that load an address. */
record References(ElfFile elf, MapSymbols maps, Externs externs, KernelFunctions functions, Optional<String> arena) {
    /**
     * What an instruction with a relocation loads.
     *
     * @param program for messages
     * @param imm what the instruction adds to the symbol
     */
    Wide of(String program, ElfSymbol symbol, int imm) {
        if (!symbol.isDefined()) {
            return externs.address(symbol);
        }
        if (symbol.section() < 0 || symbol.section() >= elf.sections().size()) {
            throw bad(program, "%s is in no section".formatted(symbol.name()));
        }
        ElfSection section = elf.sections().get(symbol.section());
        if (section.name().equals(MapSymbols.TYPED) || section.name().equals(MapSymbols.UNTYPED)) {
            long place = symbol.value().value() + imm;
            return maps.at(section.index(), place)
                    .<Wide>map(Wide.MapPointer::new)
                    .orElseThrow(() -> bad(program, "no map is at %d of %s".formatted(place, section.name())));
        }
        if (MapReader.isData(section)) {
            return new Wide.MapValue(section.name(), symbol.value().value() + imm);
        }
        if (section.name().equals(ArenaData.SECTION)) {
            String map = arena.orElseThrow(() -> bad(program, "it uses arena memory, but there is no arena"));
            return new Wide.MapValue(map, symbol.value().value() + imm);
        }
        throw bad(program, "it refers to section %s".formatted(section.name()));
    }

    private static RefusedException bad(String where, String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_RELOCATION, where, why, "compile with clang -g -O2 -target bpf");
    }
}
