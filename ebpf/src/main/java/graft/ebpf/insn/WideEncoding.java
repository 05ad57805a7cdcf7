package graft.ebpf.insn;

/**
 * The encoded form of a wide load: the pseudo source register and the two immediates joined.
 *
 * @param source 0 to 6; the constants of this record name them
 * @param value low 32 bits from the first slot, high 32 bits from the second
 */
public record WideEncoding(int source, long value) {
    /** A plain 64-bit constant. */
    public static final int CONSTANT = 0;

    /** A map, by file descriptor in the low half. */
    public static final int MAP_FD = 1;

    /** An address in a map's value: file descriptor in the low half, offset in the high half. */
    public static final int MAP_VALUE = 2;

    /** A kernel variable by BTF id. */
    public static final int BTF_ID = 3;

    /** A function of the same program; the low half is its distance in slots from the next slot. */
    public static final int FUNCTION = 4;

    /** A map by index into the array of file descriptors given at load. */
    public static final int MAP_INDEX = 5;

    /** An address in the value of a map given by index. */
    public static final int MAP_INDEX_VALUE = 6;

    /** @throws IllegalArgumentException for a source that the instruction set does not define */
    public WideEncoding {
        if (source < CONSTANT || source > MAP_INDEX_VALUE) {
            throw new IllegalArgumentException("no wide load with source " + source);
        }
    }

    /** From the immediates of the two slots. */
    public static WideEncoding of(int source, int low, int high) {
        return new WideEncoding(source, Integer.toUnsignedLong(low) | (long) high << 32);
    }

    /** The immediate of the first slot. */
    public int low() {
        return (int) value;
    }

    /** The immediate of the second slot. */
    public int high() {
        return (int) (value >>> 32);
    }
}
