package graft.cli.map;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What stands for the keys of maps that have none: the next value is at 0. */
final class Positions {
    private Positions() {}

    static byte[] key(int position) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(position)
                .array();
    }
}
