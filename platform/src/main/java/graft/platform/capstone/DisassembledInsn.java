package graft.platform.capstone;

import graft.platform.address.RemoteAddress;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * One line of a disassembly.
 *
 * @param address where the insn is
 * @param bytes its bytes; not to be changed
 * @param text mnemonic and operands in Intel syntax, or {@code .byte 0x.., ...} for what Capstone does not know
 */
public record DisassembledInsn(RemoteAddress address, byte[] bytes, String text) {

    /** The bytes as two lower-case digits each, separated by spaces. */
    public String hex() {
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof DisassembledInsn(RemoteAddress at, byte[] its, String said)
                && address.equals(at)
                && Arrays.equals(bytes, its)
                && text.equals(said);
    }

    @Override
    public int hashCode() {
        return 31 * address.hashCode() + Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return address + ": " + hex() + "  " + text;
    }
}
