package graft.daemon.control;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The form of questions and answers on the socket. Both sides are of one build: {@link #VERSION} says so. */
final class Wire {
    static final int VERSION = 2;

    /** Questions. */
    static final byte VIEW = 1;

    static final byte PROG = 2;
    static final byte CALL = 3;
    static final byte ENTRIES = 4;

    /** In place of a length: no more follow. */
    static final int END = -1;

    /** In place of an errno: the session has no such map or program. */
    static final int UNKNOWN = -1;

    private static final int LARGEST = 1 << 27;

    private Wire() {}

    /** How one thing is written. */
    interface Writer<T> {
        void write(DataOutputStream out, T one) throws IOException;
    }

    /** How one thing is read. */
    interface Reader<T> {
        T read(DataInputStream in) throws IOException;
    }

    static <T> void list(DataOutputStream out, List<T> all, Writer<T> writer) throws IOException {
        out.writeInt(all.size());
        for (T one : all) {
            writer.write(out, one);
        }
    }

    static <T> List<T> list(DataInputStream in, Reader<T> reader) throws IOException {
        List<T> all = new ArrayList<>();
        for (int left = length(in); left > 0; left--) {
            all.add(reader.read(in));
        }
        return all;
    }

    static void bytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] bytes(DataInputStream in) throws IOException {
        return bytes(in, length(in));
    }

    /** So many, or fewer when the other side ends before. */
    static byte[] bytes(DataInputStream in, int length) throws IOException {
        if (length == END) {
            throw new IOException("no bytes where some have to be");
        }
        return in.readNBytes(length);
    }

    static int length(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < END || length > LARGEST) {
            throw new IOException("a length of " + length);
        }
        return length;
    }

    static void text(DataOutputStream out, String text) throws IOException {
        bytes(out, text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    static String text(DataInputStream in) throws IOException {
        return new String(bytes(in), java.nio.charset.StandardCharsets.UTF_8);
    }

    static void view(DataOutputStream out, SessionView view) throws IOException {
        out.writeInt(view.graft());
        text(out, view.object());
        out.writeLong(view.ageNanos());
        bytes(out, view.btf());
        list(out, view.pids(), DataOutputStream::writeInt);
        list(out, view.maps(), Wire::map);
        list(out, view.progs(), (to, prog) -> {
            text(to, prog.name());
            text(to, prog.section());
            text(to, prog.type());
            to.writeInt(prog.insns());
            to.writeInt(prog.links());
            to.writeInt(prog.code());
        });
        list(out, view.links(), (to, link) -> {
            to.writeInt(link.pid());
            text(to, link.prog());
            text(to, link.place());
            to.writeLong(link.address());
            to.writeLong(link.cookie());
        });
        list(out, view.called(), Wire::text);
    }

    static SessionView view(DataInputStream in) throws IOException {
        return new SessionView(
                in.readInt(),
                text(in),
                in.readLong(),
                bytes(in),
                list(in, DataInputStream::readInt),
                list(in, Wire::map),
                list(
                        in,
                        from -> new SessionView.ProgView(
                                text(from), text(from), text(from), from.readInt(), from.readInt(), from.readInt())),
                list(
                        in,
                        from -> new SessionView.LinkView(
                                from.readInt(), text(from), text(from), from.readLong(), from.readLong())),
                list(in, Wire::text));
    }

    private static void map(DataOutputStream out, SessionView.MapView map) throws IOException {
        MapSpec spec = map.spec();
        text(out, spec.name());
        out.writeInt(spec.type().number());
        out.writeInt(spec.keySize());
        out.writeInt(spec.valueSize());
        out.writeInt(spec.maxEntries());
        out.writeInt(spec.flags());
        out.writeInt(spec.keyType().orElse(END));
        out.writeInt(spec.valueType().orElse(END));
        out.writeBoolean(spec.access() == MapSpec.Access.READ_ONLY);
        out.writeLong(spec.extra());
        out.writeLong(map.entries().orElse(END));
        out.writeLong(map.bytes());
    }

    private static SessionView.MapView map(DataInputStream in) throws IOException {
        MapSpec spec;
        try {
            spec = spec(in);
        } catch (IllegalArgumentException nonsense) {
            throw new IOException("no map can be like that", nonsense);
        }
        long entries = in.readLong();
        return new SessionView.MapView(
                spec, entries == END ? OptionalLong.empty() : OptionalLong.of(entries), in.readLong());
    }

    private static MapSpec spec(DataInputStream in) throws IOException {
        return new MapSpec.Builder(
                        text(in), MapType.byNumber(in.readInt()).orElseThrow(() -> new IOException("no such map type")))
                .sizes(in.readInt(), in.readInt(), in.readInt())
                .flags(in.readInt())
                .types(type(in.readInt()), type(in.readInt()))
                .access(in.readBoolean() ? MapSpec.Access.READ_ONLY : MapSpec.Access.READ_WRITE)
                .extra(in.readLong())
                .build();
    }

    private static OptionalInt type(int id) {
        return id == END ? OptionalInt.empty() : OptionalInt.of(id);
    }

    static void prog(DataOutputStream out, ProgText prog) throws IOException {
        list(out, prog.insns(), (to, insn) -> {
            to.writeInt(insn.slot());
            text(to, insn.text());
            text(to, insn.function());
            text(to, insn.source());
        });
        list(out, prog.code(), (to, code) -> {
            to.writeInt(code.pid());
            to.writeLong(code.address());
            bytes(to, code.bytes());
        });
    }

    static ProgText prog(DataInputStream in) throws IOException {
        return new ProgText(
                list(in, from -> new ProgText.InsnText(from.readInt(), text(from), text(from), text(from))),
                list(in, from -> new ProgText.CodeText(from.readInt(), from.readLong(), bytes(from))));
    }

    static void request(DataOutputStream out, MapRequest request) throws IOException {
        text(out, request.map());
        out.writeByte(request.operation().ordinal());
        bytes(out, request.key());
        bytes(out, request.value());
        out.writeLong(request.flags());
    }

    static MapRequest request(DataInputStream in) throws IOException {
        String map = text(in);
        int operation = in.readUnsignedByte();
        MapRequest.Operation[] all = MapRequest.Operation.values();
        if (operation >= all.length) {
            throw new IOException("no operation " + operation);
        }
        return new MapRequest(all[operation], map, bytes(in), bytes(in), in.readLong());
    }
}
