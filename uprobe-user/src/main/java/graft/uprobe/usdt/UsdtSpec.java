package graft.uprobe.usdt;

import graft.uprobe.usdt.UsdtArgument.Shape;
import graft.uprobe.usdt.UsdtArgument.Sign;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * What a program must know of a static probe's place: {@code struct __bpf_usdt_spec} of libbpf's {@code usdt.bpf.h}.
 *
 * @param cookie what {@code bpf_usdt_cookie} gives
 */
public record UsdtSpec(List<UsdtArgument> arguments, long cookie) {
    /** The map that programs read them from, by the attach cookie. */
    public static final String MAP = "__bpf_usdt_specs";

    private static final int MAX_ARGUMENTS = 12;
    private static final int CONSTANT = 0;
    private static final int REGISTER = 1;
    private static final int MEMORY = 2;
    private static final int INDEXED = 3;
    /** A kind that no version of the header knows: reading it gives {@code -EINVAL}. */
    private static final int UNREADABLE = 0x7f;

    public UsdtSpec {
        arguments = List.copyOf(arguments);
    }

    /** The spec of a place. */
    public static UsdtSpec of(StaticProbe probe, UsdtArgument.Symbols symbols, long cookie) {
        return new UsdtSpec(UsdtArguments.parse(probe.arguments(), symbols), cookie);
    }

    /**
     * How a version of the header lays an argument out.
     *
     * @param indexAt where index register and scale are in the bits from byte 8 on
     */
    private record Layout(int argumentBytes, int registerAt, int indexAt) {
        /** Through libbpf 1.6, where nothing is indexed; or the same with the index in the kind's unused bytes. */
        static final Layout NARROW = new Layout(16, 12, 8);

        /** Since then: bit fields of two bytes do not cross a boundary of two bytes. */
        static final Layout WIDE = new Layout(24, 14, 16);

        int bytes() {
            return MAX_ARGUMENTS * argumentBytes + 2 * Long.BYTES;
        }
    }

    /**
     * The structure, as the version of the header with which a program was built has it.
     *
     * @param size bytes of a value of the program's map
     */
    public byte[] bytes(int size) {
        Layout layout = size >= Layout.WIDE.bytes() ? Layout.WIDE : Layout.NARROW;
        ByteBuffer out = ByteBuffer.allocate(Math.max(size, layout.bytes())).order(ByteOrder.LITTLE_ENDIAN);
        int count = Math.min(MAX_ARGUMENTS, arguments.size());
        for (int i = 0; i < count; i++) {
            new Writing(out, layout, i * layout.argumentBytes()).write(arguments.get(i));
        }
        int end = MAX_ARGUMENTS * layout.argumentBytes();
        out.putLong(end, cookie).putShort(end + Long.BYTES, (short) count);
        return Arrays.copyOf(out.array(), size);
    }

    /** One argument's bytes. */
    private record Writing(ByteBuffer out, Layout layout, int at) {
        void write(UsdtArgument argument) {
            switch (argument) {
                case UsdtArgument.Constant(var value, var shape) -> {
                    out.putLong(at, value);
                    write(CONSTANT, 0, shape);
                }
                case UsdtArgument.Register(var register, var shape) -> write(REGISTER, register.offset(), shape);
                case UsdtArgument.Memory(var base, var displacement, var shape) -> {
                    out.putLong(at, displacement);
                    write(MEMORY, base.offset(), shape);
                }
                case UsdtArgument.Indexed(var base, var index, var scale, var displacement, var shape) -> {
                    out.putLong(at, displacement);
                    write(INDEXED | (index.offset() | scale << 12) << layout.indexAt(), base.offset(), shape);
                }
                case UsdtArgument.Unreadable _ -> write(UNREADABLE, 0, new Shape(Long.BYTES, Sign.UNSIGNED));
            }
        }

        private void write(int kind, int register, Shape shape) {
            int places = at + layout.registerAt();
            out.putInt(at + Long.BYTES, kind).putShort(places, (short) register);
            out.put(places + 2, (byte) (shape.sign() == Sign.SIGNED ? 1 : 0));
            out.put(places + 3, (byte) (Long.SIZE - Byte.SIZE * shape.bytes()));
        }
    }
}
