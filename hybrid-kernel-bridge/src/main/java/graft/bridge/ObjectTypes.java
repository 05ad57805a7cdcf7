package graft.bridge;

import graft.ebpf.object.CollectionSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** Gives an object's BTF to the kernel. The compiler leaves the layout of sections to the loader. */
final class ObjectTypes {
    private static final int KIND_DATA_SECTION = 15;
    private static final int TYPE_BYTES = 12;
    private static final int PLACE_BYTES = 12;

    private ObjectTypes() {}

    /** The descriptor, or nothing: maps and programs work without, only not those that need types. */
    static Optional<NativeFd> load(CollectionSpec spec) {
        if (spec.btf().isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Bpf.btfLoad(laidOut(spec.btf().get().bytes())));
        } catch (SysException _) {
            return Optional.empty();
        }
    }

    /** The same types, with places and sizes in the sections that have none. */
    static byte[] laidOut(byte[] btf) {
        byte[] copy = btf.clone();
        ByteBuffer b = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        int at = b.getInt(4) + b.getInt(8);
        int end = at + b.getInt(12);
        while (at < end) {
            int info = b.getInt(at + 4);
            int kind = info >>> 24 & 0x1f;
            int length = info & 0xffff;
            if (kind == KIND_DATA_SECTION && b.getInt(at + 8) == 0) {
                layOut(b, at, length);
            }
            at += TYPE_BYTES + extraBytes(kind, length);
        }
        return copy;
    }

    private static void layOut(ByteBuffer b, int section, int places) {
        int offset = 0;
        for (int i = 0; i < places; i++) {
            int place = section + TYPE_BYTES + i * PLACE_BYTES;
            b.putInt(place + 4, offset);
            offset += b.getInt(place + 8);
        }
        b.putInt(section + 8, offset);
    }

    private static int extraBytes(int kind, int length) {
        return switch (kind) {
            case 1, 14, 17 -> 4;
            case 3 -> 12;
            case 4, 5, 15, 19 -> 12 * length;
            case 6, 13 -> 8 * length;
            default -> 0;
        };
    }
}
