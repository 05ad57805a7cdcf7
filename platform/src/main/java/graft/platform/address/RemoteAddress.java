package graft.platform.address;

/** An address in another process. Never dereferenced here: only {@code graft.platform.linux} turns it into a read or write. */
public record RemoteAddress(long value) implements Comparable<RemoteAddress> {

    public RemoteAddress plus(long bytes) {
        return new RemoteAddress(value + bytes);
    }

    /** Distance in bytes from {@code origin} to this address. */
    public long minus(RemoteAddress origin) {
        return value - origin.value;
    }

    @Override
    public int compareTo(RemoteAddress other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return "0x" + Long.toHexString(value);
    }
}
