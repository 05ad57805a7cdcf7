package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads a symbol table with its names and versions. */
final class SymbolReader {
    private static final int SYMBOL_BYTES = 24;
    private static final int EXTENDED_INDEX = 0xffff;
    private static final int SYMTAB_SHNDX = 18;

    private final ElfFile file;
    private final ElfSection table;

    SymbolReader(ElfFile file, ElfSection table) {
        this.file = file;
        this.table = table;
    }

    List<ElfSymbol> read() {
        ByteBuffer bytes = file.buffer(table);
        if (bytes.remaining() % SYMBOL_BYTES != 0) {
            throw file.bad(table, "symbol table of %d bytes".formatted(bytes.remaining()));
        }
        StringTable names = file.strings(table.link());
        ByteBuffer extended = extendedIndexes();
        SymbolVersions versions = SymbolVersions.of(file, table);
        List<ElfSymbol> symbols = new ArrayList<>(bytes.remaining() / SYMBOL_BYTES);
        for (int index = 0; index < bytes.remaining() / SYMBOL_BYTES; index++) {
            int at = index * SYMBOL_BYTES;
            int section = Short.toUnsignedInt(bytes.getShort(at + 6));
            if (section == EXTENDED_INDEX && extended.limit() >= (index + 1) * 4) {
                section = extended.getInt(index * 4);
            }
            symbols.add(symbol(bytes, at, names.at(Integer.toUnsignedLong(bytes.getInt(at))), section, versions));
        }
        return List.copyOf(symbols);
    }

    private static ElfSymbol symbol(ByteBuffer bytes, int at, String text, int section, SymbolVersions versions) {
        int index = at / SYMBOL_BYTES;
        int info = bytes.get(at + 4);
        SymbolVersions.Version version = versions.of(index);
        String name = text;
        int mark = text.indexOf('@');
        if (mark > 0) {
            name = text.substring(0, mark);
            boolean isDefault = text.startsWith("@@", mark);
            version = new SymbolVersions.Version(Optional.of(text.substring(mark + (isDefault ? 2 : 1))), isDefault);
        }
        return new ElfSymbol(
                index,
                name,
                version.name(),
                version.isDefault(),
                new ElfVirtualAddress(bytes.getLong(at + 8)),
                bytes.getLong(at + 16),
                ElfSymbol.Type.of(info & 0xf),
                ElfSymbol.Binding.of(info >> 4 & 0xf),
                ElfSymbol.Visibility.of(bytes.get(at + 5)),
                section);
    }

    private ByteBuffer extendedIndexes() {
        for (ElfSection section : file.sections()) {
            if (section.type() == SYMTAB_SHNDX && section.link() == table.index()) {
                return file.buffer(section);
            }
        }
        return ByteBuffer.allocate(0);
    }
}
