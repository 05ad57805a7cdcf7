package graft.platform.address;

/** An address as an ELF file states it ({@code st_value}, {@code p_vaddr}), before any load bias. */
public record ElfVirtualAddress(long value) {

    /** Where this address is in a process that mapped the file with {@code loadBias}. */
    public RemoteAddress loadedWith(long loadBias) {
        return new RemoteAddress(value + loadBias);
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(value);
    }
}
