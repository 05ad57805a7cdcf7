package graft.ebpf.btf;

/** Bytes that are being put together from members, bit by bit. Bits that two of them share must agree. */
final class ValueImage {
    private final byte[] bytes;
    private final byte[] written;

    ValueImage(int size) {
        this.bytes = new byte[size];
        this.written = new byte[size];
    }

    /** Puts the lowest {@code count} bits of {@code value} at a bit; false when there is no room or something else. */
    boolean write(long bit, int count, long value) {
        if (bit < 0 || count < 0 || count > Long.SIZE || bit + count > bytes.length * 8L) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            int at = (int) ((bit + i) >>> 3);
            int mask = 1 << (bit + i & 7);
            boolean isSet = (value >>> i & 1) != 0;
            if ((written[at] & mask) != 0 && (bytes[at] & mask) != 0 != isSet) {
                return false;
            }
            written[at] |= (byte) mask;
            if (isSet) {
                bytes[at] |= (byte) mask;
            }
        }
        return true;
    }

    byte[] bytes() {
        return bytes.clone();
    }
}
