package graft.rewriter;

import java.util.Arrays;
import java.util.HexFormat;

/** Machine code, immutable and compared by value. */
public final class Code {
    private final byte[] bytes;

    private Code(byte[] bytes) {
        this.bytes = bytes;
    }

    public static Code of(byte[] bytes) {
        return new Code(bytes.clone());
    }

    public static Code ofHex(String hex) {
        return new Code(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    public int length() {
        return bytes.length;
    }

    public byte at(int index) {
        return bytes[index];
    }

    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Code code && Arrays.equals(bytes, code.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
