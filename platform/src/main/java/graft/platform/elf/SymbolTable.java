package graft.platform.elf;

/** Which symbol table. */
public enum SymbolTable {
    /** {@code .symtab}: everything, unless stripped. */
    STATIC(ElfSection.SYMTAB),
    /** {@code .dynsym}: what the dynamic linker sees, with versions. */
    DYNAMIC(ElfSection.DYNSYM);

    private final int sectionType;

    SymbolTable(int sectionType) {
        this.sectionType = sectionType;
    }

    int sectionType() {
        return sectionType;
    }
}
