package graft.platform.elf;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The versions of a dynamic symbol table: a number for each symbol, and the numbers' names, defined here or needed from elsewhere. */
final class SymbolVersions {
    private static final Version NONE = new Version(Optional.empty(), true);
    private static final int HIDDEN = 0x8000;
    private static final int FIRST_NAMED = 2;

    private final ByteBuffer bySymbol;
    private final Map<Integer, String> names;

    private SymbolVersions(ByteBuffer bySymbol, Map<Integer, String> names) {
        this.bySymbol = bySymbol;
        this.names = names;
    }

    record Version(Optional<String> name, boolean isDefault) {}

    static SymbolVersions of(ElfFile file, ElfSection symbols) {
        ByteBuffer bySymbol = ByteBuffer.allocate(0);
        Map<Integer, String> names = new HashMap<>();
        if (symbols.type() == ElfSection.DYNSYM) {
            for (ElfSection section : file.sections()) {
                switch (section.type()) {
                    case ElfSection.GNU_VERSION_OF_SYMBOL -> bySymbol = file.buffer(section);
                    case ElfSection.GNU_VERSIONS_DEFINED -> readDefined(file, section, names);
                    case ElfSection.GNU_VERSIONS_NEEDED -> readNeeded(file, section, names);
                    default -> {}
                }
            }
        }
        return new SymbolVersions(bySymbol, names);
    }

    Version of(int symbol) {
        if ((long) symbol * 2 + 2 > bySymbol.limit()) {
            return NONE;
        }
        int number = Short.toUnsignedInt(bySymbol.getShort(symbol * 2));
        int version = number & ~HIDDEN;
        if (version < FIRST_NAMED) {
            return NONE;
        }
        return new Version(Optional.ofNullable(names.get(version)), (number & HIDDEN) == 0);
    }

    /** {@code Elf64_Verdef}: version 2, flags 2, number 2, count 2, hash 4, aux 4, next 4; the first aux names it. */
    private static void readDefined(ElfFile file, ElfSection section, Map<Integer, String> names) {
        ByteBuffer b = file.buffer(section);
        StringTable strings = file.strings(section.link());
        long at = 0;
        for (int i = 0; i < section.info(); i++) {
            check(file, section, b, at, 20);
            int number = Short.toUnsignedInt(b.getShort((int) at + 4)) & ~HIDDEN;
            long aux = at + Integer.toUnsignedLong(b.getInt((int) at + 12));
            check(file, section, b, aux, 8);
            names.put(number, strings.at(Integer.toUnsignedLong(b.getInt((int) aux))));
            long next = Integer.toUnsignedLong(b.getInt((int) at + 16));
            if (next == 0) {
                return;
            }
            at += next;
        }
    }

    /** {@code Elf64_Verneed}: version 2, count 2, file 4, aux 4, next 4; each aux: hash 4, flags 2, number 2, name 4, next 4. */
    private static void readNeeded(ElfFile file, ElfSection section, Map<Integer, String> names) {
        ByteBuffer b = file.buffer(section);
        StringTable strings = file.strings(section.link());
        long at = 0;
        for (int i = 0; i < section.info(); i++) {
            check(file, section, b, at, 16);
            long aux = at + Integer.toUnsignedLong(b.getInt((int) at + 8));
            for (int k = Short.toUnsignedInt(b.getShort((int) at + 2)); k > 0; k--) {
                check(file, section, b, aux, 16);
                int number = Short.toUnsignedInt(b.getShort((int) aux + 6)) & ~HIDDEN;
                names.put(number, strings.at(Integer.toUnsignedLong(b.getInt((int) aux + 8))));
                long next = Integer.toUnsignedLong(b.getInt((int) aux + 12));
                if (next == 0) {
                    break;
                }
                aux += next;
            }
            long next = Integer.toUnsignedLong(b.getInt((int) at + 12));
            if (next == 0) {
                return;
            }
            at += next;
        }
    }

    private static void check(ElfFile file, ElfSection section, ByteBuffer b, long at, int bytes) {
        if (at + bytes > b.limit()) {
            throw file.bad(section, "version record at %d of %d bytes".formatted(at, b.limit()));
        }
    }
}
