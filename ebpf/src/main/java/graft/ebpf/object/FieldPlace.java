package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.CoreValue.Change;
import graft.ebpf.object.CoreValue.Width;

/**
 * How the field at the end of a path is read: for a bit field, the smallest integer around it.
 *
 * @param bits from the start of the root type to the field
 * @param width of the field in bits
 * @param start byte of the integer that holds it
 * @param size bytes of that integer, or of the whole field
 */
record FieldPlace(Btf types, int type, long bits, long width, long start, long size, boolean isBitField) {
    static FieldPlace of(CorePath path) {
        Btf types = path.types();
        int type = path.end().type();
        long size = types.size(type);
        if (!(path.end() instanceof CorePath.Step.Named(var member, var _)) || member.bitSize() == 0) {
            return new FieldPlace(types, type, path.bits(), size * 8, path.bits() / 8, size, false);
        }
        long bytes = Math.max(1, size);
        long start = path.bits() / 8 / bytes * bytes;
        while (path.bits() + member.bitSize() - start * 8 > bytes * 8 && bytes < 8) {
            bytes *= 2;
            start = path.bits() / 8 / bytes * bytes;
        }
        return new FieldPlace(types, type, path.bits(), member.bitSize(), start, bytes, true);
    }

    /** By the number of the relocation's kind. */
    long aspect(int kind) {
        return switch (kind) {
            case 0 -> start;
            case 1 -> size;
            case 2 -> 1;
            case 3 -> isSigned() ? 1 : 0;
            case 4 -> 64 - (bits + width - start * 8);
            default -> 64 - width;
        };
    }

    private boolean isSigned() {
        return switch (types.resolved(type)) {
            case BtfType.Int t -> t.isSigned();
            case BtfType.Enumeration t -> t.isSigned();
            default -> false;
        };
    }

    /** What becomes of a load of this field when it is the {@code other} one. Elements of arrays are loaded singly. */
    Width widthIn(FieldPlace other) {
        int here = element(types, type);
        int there = element(other.types, other.type);
        long before = types.size(here);
        long after = other.types.size(there);
        boolean kept = before == after
                || types.resolved(here) instanceof BtfType.Pointer
                        && other.types.resolved(there) instanceof BtfType.Pointer
                || isUnsigned(types, here) && isUnsigned(other.types, there);
        return new Width(before, after, kept ? Change.KEEPS_VALUE : Change.MAY_LOSE_VALUE);
    }

    private static boolean isUnsigned(Btf types, int type) {
        return types.resolved(type) instanceof BtfType.Int integer && !integer.isSigned();
    }

    private static int element(Btf types, int type) {
        int at = type;
        for (int depth = 0; depth < 32 && types.resolved(at) instanceof BtfType.Array array; depth++) {
            at = array.element();
        }
        return at;
    }
}
