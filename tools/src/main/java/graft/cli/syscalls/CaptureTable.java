package graft.cli.syscalls;

import graft.syscalls.Argument;
import graft.syscalls.ArgumentKind;
import graft.syscalls.ArgumentKind.Edge;
import graft.syscalls.ArgumentKind.Length;
import graft.syscalls.SyscallSpec;
import graft.syscalls.decode.StructTable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What the program copies of each call's memory, as {@code struct call} of {@code syscalls.h}.
 *
 * @param shown bytes of texts and buffers that are shown
 */
public record CaptureTable(StructTable structs, int shown) {
    /** Bytes of an element of the program's map. */
    public static final int CALL_BYTES = 80;

    private static final int PARTS = 6;
    private static final int PART_BYTES = 12;
    private static final int HEAD_BYTES = 8;
    private static final int PATH_BYTES = 4096;
    private static final int ADDRESS_BYTES = 128;
    private static final int MOST_ELEMENTS = 32;
    private static final int IOVEC_BYTES = 16;
    private static final int MESSAGE_BYTES = 56;

    /** {@code part.shape}. */
    private enum Shape {
        FIXED,
        TEXT,
        COUNTED,
        POINTED,
        RESULT,
        TEXTS,
        COUNT_TEXTS,
        PIECES,
        MESSAGE
    }

    private record Part(Edge edge, Shape shape, int length, int size, int limit) {}

    /** The element for a call that is traced. */
    public byte[] entry(SyscallSpec call) {
        ByteBuffer out = ByteBuffer.allocate(CALL_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int[] edges = new int[Edge.values().length];
        int number = 0;
        List<Argument> arguments = call.arguments();
        for (int i = 0; i < arguments.size() && number < PARTS; i++) {
            Part part = part(call, arguments.get(i).kind());
            if (part.limit() < 0) {
                continue;
            }
            edges[part.edge().ordinal()] |= 1 << number;
            out.position(HEAD_BYTES + number * PART_BYTES);
            out.put((byte) i).put((byte) part.edge().ordinal());
            out.put((byte) part.shape().ordinal()).put((byte) part.length());
            out.putInt(part.size()).putInt(part.limit());
            number++;
        }
        out.putInt(0, 1).putShort(4, (short) edges[Edge.IN.ordinal()]).putShort(6, (short) edges[Edge.OUT.ordinal()]);
        return out.array();
    }

    private static final Part NOTHING = new Part(Edge.IN, Shape.FIXED, 0, 0, -1);

    private Part part(SyscallSpec call, ArgumentKind kind) {
        return switch (kind) {
            case ArgumentKind.Number _, ArgumentKind.Named _ -> NOTHING;
            case ArgumentKind.Text(var meaning) ->
                switch (meaning) {
                    case PATH -> new Part(Edge.IN, Shape.TEXT, 0, 0, PATH_BYTES);
                    case STR -> new Part(Edge.IN, Shape.TEXT, 0, 0, textBytes());
                };
            case ArgumentKind.Texts(var detail) ->
                switch (detail) {
                    case SHOWN -> new Part(Edge.IN, Shape.TEXTS, 0, 0, textBytes());
                    case COUNTED -> new Part(Edge.IN, Shape.COUNT_TEXTS, 0, 0, 0);
                };
            case ArgumentKind.Bytes(var edge, var length) ->
                sized(edge, length, 1, call.name().equals("getcwd") ? PATH_BYTES : shown);
            case ArgumentKind.Struct(var name, var edge) -> struct(name, edge);
            case ArgumentKind.Array(var name, var edge, var count) -> {
                int size = structs.size(name).orElseThrow(() -> new IllegalArgumentException("no structure " + name));
                yield sized(edge, count, size, size * MOST_ELEMENTS);
            }
            case ArgumentKind.SocketAddress(var edge, var length) -> sized(edge, length, 1, ADDRESS_BYTES);
            case ArgumentKind.Pieces(var edge, Length.Of(var count)) ->
                new Part(edge, Shape.PIECES, count, IOVEC_BYTES, shown);
            case ArgumentKind.Pieces _ -> NOTHING;
            case ArgumentKind.Message(var edge) ->
                new Part(edge, Shape.MESSAGE, 0, MESSAGE_BYTES, Math.max(shown, MESSAGE_BYTES));
        };
    }

    /** A zero byte, and one that says that the text goes on. */
    private int textBytes() {
        return shown + 2;
    }

    private Part struct(String name, Edge edge) {
        int size = structs.size(name).orElseThrow(() -> new IllegalArgumentException("no structure " + name));
        return new Part(edge, Shape.FIXED, 0, size, size);
    }

    private static Part sized(Edge edge, Length length, int size, int limit) {
        return switch (length) {
            case Length.Of(var argument) -> new Part(edge, Shape.COUNTED, argument, size, limit);
            case Length.At(var argument) -> new Part(edge, Shape.POINTED, argument, size, limit);
            case Length.Result _ -> new Part(edge, Shape.RESULT, 0, size, limit);
            case Length.Constant(var value) -> new Part(edge, Shape.FIXED, 0, size * value, size * value);
        };
    }
}
