package graft.platform.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.stream.Stream;

/** BTF with one type, {@code static int function(void)}, for programs made of numbers whose functions need some type. */
public final class FunctionBtf implements AutoCloseable {
    private static final int HEADER_BYTES = 24;
    private static final int TYPE_BYTES = 16 + 12 + 12;
    private static final int KIND_INT = 1 << 24;
    private static final int KIND_FUNC = 12 << 24;
    private static final int KIND_FUNC_PROTO = 13 << 24;
    private static final int SIGNED_32 = 1 << 24 | 32;
    private static final String STRINGS = "\0int\0function\0";
    private static final int FUNCTION = 3;

    private final NativeFd fd = Bpf.btfLoad(bytes());

    /** Loads it. */
    public FunctionBtf() {}

    private static byte[] bytes() {
        byte[] strings = STRINGS.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer btf =
                ByteBuffer.allocate(HEADER_BYTES + TYPE_BYTES + strings.length).order(ByteOrder.LITTLE_ENDIAN);
        btf.putShort((short) 0xeb9f).put((byte) 1).put((byte) 0).putInt(HEADER_BYTES);
        btf.putInt(0).putInt(TYPE_BYTES).putInt(TYPE_BYTES).putInt(strings.length);
        btf.putInt(STRINGS.indexOf("int")).putInt(KIND_INT).putInt(4).putInt(SIGNED_32);
        btf.putInt(0).putInt(KIND_FUNC_PROTO).putInt(1);
        btf.putInt(STRINGS.indexOf("function")).putInt(KIND_FUNC).putInt(2);
        return btf.put(strings).array();
    }

    /** The types of functions that begin at these slots, in order. */
    public Bpf.FunctionTypes of(Collection<Integer> starts) {
        int[] records = starts.stream()
                .flatMap(start -> Stream.of(start, FUNCTION))
                .mapToInt(Integer::intValue)
                .toArray();
        return new Bpf.FunctionTypes(fd.number(), records);
    }

    @Override
    public void close() {
        fd.close();
    }
}
