package graft.platform.elf;

/**
 * One relocation of a {@code REL} or {@code RELA} section.
 *
 * @param offset place in the section that the relocations apply to
 * @param type machine-dependent kind
 * @param symbol number of the symbol in the linked symbol table
 * @param addend explicit addend; 0 for {@code REL}, whose addend is in the place itself
 */
public record ElfRelocation(long offset, int type, int symbol, long addend) {}
