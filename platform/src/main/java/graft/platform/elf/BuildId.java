package graft.platform.elf;

import java.util.HexFormat;

/** The identity that the linker gave a file, in lower-case hexadecimal digits. */
public record BuildId(String hex) {
    static BuildId of(byte[] bytes) {
        return new BuildId(HexFormat.of().formatHex(bytes));
    }

    @Override
    public String toString() {
        return hex;
    }
}
