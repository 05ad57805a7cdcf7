package graft.ebpf.insn;

/** What an address of an arena is made into: a number of the encoding, the new address space in its upper half. */
public enum AddressCast {
    /** From one that is kept in memory, and means the same to everybody, to one that loads and stores take. */
    TO_ACCESS(1),
    /** Back. */
    TO_KEEP(1 << 16);

    private final int encoding;

    AddressCast(int encoding) {
        this.encoding = encoding;
    }

    int encoding() {
        return encoding;
    }

    /** As {@code addr_space_cast} has them: the new address space, and the old one. */
    String spaces() {
        return (encoding >>> Short.SIZE) + ", " + (encoding & 0xffff);
    }
}
