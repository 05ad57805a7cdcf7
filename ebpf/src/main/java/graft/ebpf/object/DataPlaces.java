package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where the variables of global data are: compilers leave that to the symbols, and write 0 into the types. */
final class DataPlaces {
    private static final int TYPE_BYTES = 12;
    private static final int PLACE_BYTES = 12;
    private static final int OFFSET = 4;

    private DataPlaces() {}

    /** The types with the places that the symbols say; a variable without a symbol stays where it is. */
    static byte[] filled(byte[] types, ElfFile elf) {
        Map<String, Integer> places = places(elf);
        if (places.isEmpty()) {
            return types;
        }
        Btf parsed = Btf.parse(types);
        byte[] changed = types.clone();
        ByteBuffer bytes = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
        int at = HiddenFunctions.firstType(bytes);
        for (int id = 1; id < parsed.count(); id++) {
            if (parsed.type(id) instanceof BtfType.DataSection(var section, var _, var variables)) {
                for (int i = 0; i < variables.size(); i++) {
                    String name = parsed.type(variables.get(i).variable()).typeName();
                    Integer place = places.get(key(section, name));
                    if (place != null) {
                        bytes.putInt(at + TYPE_BYTES + i * PLACE_BYTES + OFFSET, place);
                    }
                }
            }
            at = HiddenFunctions.nextType(bytes, at);
        }
        return changed;
    }

    private static Map<String, Integer> places(ElfFile elf) {
        Map<String, Integer> places = new HashMap<>();
        List<ElfSection> sections = elf.sections();
        for (ElfSymbol symbol : elf.symbols(SymbolTable.STATIC)) {
            boolean isInside = symbol.section() > 0 && symbol.section() < sections.size();
            if (isInside
                    && symbol.type() == ElfSymbol.Type.OBJECT
                    && MapReader.isData(sections.get(symbol.section()))) {
                places.put(key(sections.get(symbol.section()).name(), symbol.name()), (int)
                        symbol.value().value());
            }
        }
        return places;
    }

    private static String key(String section, String name) {
        return section + '\0' + name;
    }
}
