package graft.cli.bench.vm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;

/** What a program finds in its state: random numbers, then text that is the same in pairs of 256 bytes. */
public final class VmMemory {
    /** Bytes of the state: memory and result. */
    public static final int BYTES = 8192 + Long.BYTES;

    private static final int TEXT = 4096;
    private static final int STRING = 256;
    private static final String LETTERS = "size=4096 id-77 \"name\" 31415926 -12 end";

    private VmMemory() {}

    /** A fresh state, always the same. */
    public static byte[] fresh() {
        ByteBuffer memory = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        SplittableRandom random = new SplittableRandom(0x6772616674L);
        while (memory.position() < TEXT) {
            memory.putLong(random.nextLong());
        }
        for (int pair = 0; pair < 4; pair++) {
            byte[] text = text(pair);
            memory.put(text).put(text);
        }
        return memory.array();
    }

    private static byte[] text(int pair) {
        byte[] text = new byte[STRING];
        for (int i = 0; i < STRING - 1; i++) {
            text[i] = (byte) LETTERS.charAt((i + pair * 7) % LETTERS.length());
        }
        return text;
    }

    /** What a run left: memory and result in one number that hardly any two states share. */
    public static int digest(byte[] state) {
        return Arrays.hashCode(Arrays.copyOf(state, BYTES));
    }
}
