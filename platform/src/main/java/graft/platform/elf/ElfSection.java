package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.FileOffset;

/**
 * One section header.
 *
 * @param index its number
 * @param type {@code sh_type}
 * @param flags {@code sh_flags}
 * @param address where it is in memory, 0 if nowhere
 * @param offset where it is in the file
 * @param size bytes; in memory only for {@link #NOBITS}
 * @param link {@code sh_link}: for symbol tables and relocations, a related section
 * @param info {@code sh_info}: for relocations, the section they apply to
 * @param entrySize bytes of an entry, for tables
 */
public record ElfSection(
        int index,
        String name,
        int type,
        long flags,
        ElfVirtualAddress address,
        FileOffset offset,
        long size,
        int link,
        int info,
        long alignment,
        long entrySize) {
    /** {@code SHT_PROGBITS}. */
    public static final int PROGBITS = 1;

    /** {@code SHT_SYMTAB}. */
    public static final int SYMTAB = 2;

    /** {@code SHT_STRTAB}. */
    public static final int STRTAB = 3;

    /** {@code SHT_RELA}. */
    public static final int RELA = 4;

    /** {@code SHT_NOTE}. */
    public static final int NOTE = 7;

    /** {@code SHT_NOBITS}: takes no space in the file. */
    public static final int NOBITS = 8;

    /** {@code SHT_REL}. */
    public static final int REL = 9;

    /** {@code SHT_DYNSYM}. */
    public static final int DYNSYM = 11;

    /** {@code SHT_RELR}: relative relocations, packed. */
    public static final int RELR = 19;

    /** {@code SHT_GNU_verdef}. */
    public static final int GNU_VERSIONS_DEFINED = 0x6ffffffd;

    /** {@code SHT_GNU_verneed}. */
    public static final int GNU_VERSIONS_NEEDED = 0x6ffffffe;

    /** {@code SHT_GNU_versym}. */
    public static final int GNU_VERSION_OF_SYMBOL = 0x6fffffff;

    /** {@code SHF_WRITE}. */
    public static final long WRITE = 1;

    /** {@code SHF_ALLOC}. */
    public static final long ALLOC = 2;

    /** {@code SHF_EXECINSTR}. */
    public static final long EXECUTE = 4;

    /** Whether all of {@code wanted} flags are set. */
    public boolean has(long wanted) {
        return (flags & wanted) == wanted;
    }
}
