package graft.bridge;

import graft.ebpf.object.CollectionSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Gives an object's BTF to the kernel. The compiler leaves the layout of sections to the loader. */
final class ObjectTypes {
    private static final int KIND_INT = 1;
    private static final int KIND_VARIABLE = 14;
    private static final int GLOBAL = 1;
    private static final int EXTERNAL = 2;
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

    /** The same types, as the kernel wants them: sections laid out, external variables as defined integers. */
    static byte[] laidOut(byte[] btf) {
        byte[] copy = btf.clone();
        ByteBuffer b = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
        List<Integer> types = positions(b);
        int integer = 1
                + types.indexOf(types.stream()
                        .filter(at -> kind(b, at) == KIND_INT && b.getInt(at + 8) == Integer.BYTES)
                        .findFirst()
                        .orElse(-1));
        Set<Integer> external = new HashSet<>();
        for (int id = 1; id <= types.size() && integer != 0; id++) {
            int at = types.get(id - 1);
            if (kind(b, at) == KIND_VARIABLE && b.getInt(at + 12) == EXTERNAL) {
                b.putInt(at + 8, integer);
                b.putInt(at + 12, GLOBAL);
                external.add(id);
            }
        }
        types.stream()
                .filter(at -> kind(b, at) == KIND_DATA_SECTION && b.getInt(at + 8) == 0)
                .forEach(at -> layOut(b, at, external));
        return copy;
    }

    private static List<Integer> positions(ByteBuffer b) {
        List<Integer> positions = new ArrayList<>();
        int at = b.getInt(4) + b.getInt(8);
        int end = at + b.getInt(12);
        while (at < end) {
            positions.add(at);
            at += TYPE_BYTES + extraBytes(kind(b, at), b.getInt(at + 4) & 0xffff);
        }
        return positions;
    }

    private static int kind(ByteBuffer b, int at) {
        return b.getInt(at + 4) >>> 24 & 0x1f;
    }

    /** One variable behind the other. */
    private static void layOut(ByteBuffer b, int section, Set<Integer> external) {
        int offset = 0;
        int places = b.getInt(section + 4) & 0xffff;
        for (int i = 0; i < places; i++) {
            int place = section + TYPE_BYTES + i * PLACE_BYTES;
            int size = external.contains(b.getInt(place)) ? Integer.BYTES : b.getInt(place + 8);
            b.putInt(place + 4, offset);
            b.putInt(place + 8, size);
            offset += size;
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
