package graft.ebpf.maps;

import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers in byte arrays, in the machine's byte order. */
final class MapBytes {
    static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle();
    private static final VarHandle SHORT_OF =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.nativeOrder());
    private static final VarHandle INT_OF = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONG_OF =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

    private MapBytes() {}

    static short shortAt(byte[] bytes, int at) {
        return (short) SHORT_OF.get(bytes, at);
    }

    static int intAt(byte[] bytes, int at) {
        return (int) INT_OF.get(bytes, at);
    }

    static long longAt(byte[] bytes, int at) {
        return (long) LONG_OF.get(bytes, at);
    }

    static void putShort(byte[] bytes, int at, short value) {
        SHORT_OF.set(bytes, at, value);
    }

    static void putInt(byte[] bytes, int at, int value) {
        INT_OF.set(bytes, at, value);
    }

    static void putLong(byte[] bytes, int at, long value) {
        LONG_OF.set(bytes, at, value);
    }

    static byte[] ofInt(int value) {
        byte[] bytes = new byte[Integer.BYTES];
        putInt(bytes, 0, value);
        return bytes;
    }

    static byte[] ofLong(long value) {
        byte[] bytes = new byte[Long.BYTES];
        putLong(bytes, 0, value);
        return bytes;
    }

    /** A caller's mistake, not a map's answer. */
    static void requireSize(byte[] bytes, int size, String what) {
        if (bytes.length != size) {
            throw new IllegalArgumentException(what + " has " + bytes.length + " bytes, not " + size);
        }
    }
}
