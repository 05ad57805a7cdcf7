package graft.cli.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Turns every other {@code goto} into {@code gotol}, which the encoder writes for far targets only. */
final class LongJumps {
    private static final int SLOT = 8;
    private static final byte GOTO = 0x05;
    private static final byte GOTOL = 0x06;
    private static final byte WIDE = 0x18;

    private LongJumps() {}

    static byte[] in(byte[] encoded) {
        ByteBuffer code = ByteBuffer.wrap(encoded.clone()).order(ByteOrder.LITTLE_ENDIAN);
        boolean convert = true;
        for (int at = 0; at < encoded.length; at += code.get(at) == WIDE ? 2 * SLOT : SLOT) {
            if (code.get(at) == GOTO) {
                if (convert) {
                    int distance = code.getShort(at + 2);
                    code.put(at, GOTOL).putShort(at + 2, (short) 0).putInt(at + 4, distance);
                }
                convert = !convert;
            }
        }
        return code.array();
    }
}
