package graft.platform.address;

/** A position in a file, in bytes from its start. */
public record FileOffset(long value) {
    @Override
    public String toString() {
        return "0x" + Long.toHexString(value);
    }
}
