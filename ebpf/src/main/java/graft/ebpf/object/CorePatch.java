package graft.ebpf.object;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;

/** Writes the value of a CO-RE relocation into an instruction, where its kind keeps it. */
record CorePatch(ByteBuffer code, int offset) {
    private static final int SLOT = 8;
    private static final int WIDE = 0x18;
    private static final int SIZE_BITS = 0x18;

    boolean isWide() {
        return (code.get(offset) & 0xff) == WIDE;
    }

    /** Why the instruction must not run; nothing when it was written. */
    Optional<String> apply(CoreValue.Known known) {
        int opcode = code.get(offset) & 0xff;
        return switch (opcode & 7) {
            case 1, 2, 3 -> memory(opcode, known);
            case 4, 7 -> immediate(opcode, known);
            default -> opcode == WIDE ? wide(known) : Optional.of("no instruction that takes a CO-RE value");
        };
    }

    private Optional<String> memory(int opcode, CoreValue.Known known) {
        Optional<String> other = surprise(code.getShort(offset + 2), known.expected());
        if (other.isPresent()) {
            return other;
        }
        if (known.value() != (short) known.value() || known.value() < 0) {
            return Optional.of("the member is at %d, too far for one instruction".formatted(known.value()));
        }
        CoreValue.Width width = known.width();
        if (width.change() == CoreValue.Change.MAY_LOSE_VALUE) {
            return Optional.of("the member has %d bytes and not %d, and is no unsigned number"
                    .formatted(width.after(), width.before()));
        }
        code.putShort(offset + 2, (short) known.value());
        return width.before() == width.after() ? Optional.empty() : resize(opcode, width);
    }

    private Optional<String> resize(int opcode, CoreValue.Width width) {
        int before = switch (opcode & SIZE_BITS) {
            case 0x00 -> 4;
            case 0x08 -> 2;
            case 0x10 -> 1;
            default -> 8;
        };
        if (before != width.before()) {
            return Optional.of("it accesses %d bytes of a member of %d".formatted(before, width.before()));
        }
        int bits = switch ((int) Math.min(16, width.after())) {
            case 1 -> 0x10;
            case 2 -> 0x08;
            case 4 -> 0x00;
            case 8 -> 0x18;
            default -> -1;
        };
        if (bits < 0) {
            return Optional.of("the member has %d bytes".formatted(width.after()));
        }
        code.put(offset, (byte) (opcode & ~SIZE_BITS | bits));
        return Optional.empty();
    }

    private Optional<String> immediate(int opcode, CoreValue.Known known) {
        if ((opcode & 8) != 0) {
            return Optional.of("an instruction without a number");
        }
        int before = code.getInt(offset + 4);
        Optional<String> other =
                known.expected().isPresent() && (int) known.expected().getAsLong() == before
                        ? Optional.empty()
                        : surprise(before, known.expected());
        if (other.isEmpty()) {
            code.putInt(offset + 4, (int) known.value());
        }
        return other;
    }

    private Optional<String> wide(CoreValue.Known known) {
        if (offset + 2 * SLOT > code.limit()) {
            return Optional.of("an instruction that is cut off");
        }
        long before = Integer.toUnsignedLong(code.getInt(offset + 4)) | (long) code.getInt(offset + 12) << 32;
        Optional<String> other = surprise(before, known.expected());
        if (other.isEmpty()) {
            code.putInt(offset + 4, (int) known.value());
            code.putInt(offset + 12, (int) (known.value() >>> 32));
        }
        return other;
    }

    /** An instruction that holds another value than the object's own types say was changed after compiling. */
    private static Optional<String> surprise(long before, OptionalLong expected) {
        return expected.isEmpty() || expected.getAsLong() == before
                ? Optional.empty()
                : Optional.of("it holds %d where its types say %d".formatted(before, expected.getAsLong()));
    }
}
