package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;

/**
 * What the file header says of the whole file.
 *
 * @param type {@code e_type}: one of the constants here, or something else
 * @param machine {@code e_machine}: one of the constants here, or something else
 * @param entry the entry point
 */
public record ElfHeader(int type, int machine, ElfVirtualAddress entry) {
    /** {@code ET_REL}: an object file. */
    public static final int RELOCATABLE = 1;

    /** {@code ET_EXEC}: a program at a fixed address. */
    public static final int EXECUTABLE = 2;

    /** {@code ET_DYN}: a library or a position-independent program. */
    public static final int SHARED = 3;

    /** {@code EM_X86_64}. */
    public static final int X86_64 = 62;

    /** {@code EM_AARCH64}. */
    public static final int AARCH64 = 183;

    /** {@code EM_BPF}. */
    public static final int BPF = 247;
}
