package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.InsnShape;
import graft.platform.asm.x86_64.X64Decoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Which bytes of a module's text may be jumped to, one bit each. Errs on the side of "may": far branches are found by
 * looking at every byte position, so none is missed and a few are invented; short branches by decoding, only where
 * somebody asks; further the starts of functions and everything that data points to. Jump tables are added by those who
 * find them. Not thread-safe.
 */
final class BranchTargets {
    /** No short branch that starts further away lands here: 15 bytes of instruction and 128 of distance. */
    private static final int SHORT_REACH = 144;

    private static final int TABLE_CHUNK = 64;
    private static final int MAX_ENTRIES = 4096;

    private final ModuleText module;
    private final byte[] text;
    private final long base;
    private final BitSet targets;
    private final int[] spans;
    private final BitSet decoded = new BitSet();
    private Optional<BitSet> byAnyTable = Optional.empty();

    BranchTargets(ModuleText module) {
        this.module = module;
        this.text = module.text();
        this.base = module.start().value();
        this.targets = new BitSet(text.length);
        this.spans = spans();
        mark(module.functions());
        mark(module.pointed());
        scanText();
    }

    /** Decoding starts anew at each known function: what is between two of them is a span. */
    private int[] spans() {
        int[] starts = module.functions().stream()
                .mapToLong(start -> start.value() - base)
                .filter(offset -> offset > 0 && offset < text.length)
                .mapToInt(offset -> (int) offset)
                .distinct()
                .toArray();
        int[] all = new int[starts.length + 1];
        System.arraycopy(starts, 0, all, 1, starts.length);
        return all;
    }

    /** The first byte of {@code [from, to)} that may be jumped to, as offset in the text. */
    OptionalInt first(int from, int to) {
        prepare(from, to);
        return first(targets, from, to);
    }

    /** The same for code that a table of any other function may lead to. */
    OptionalInt firstInPart(int from, int to) {
        OptionalInt found = first(from, to);
        if (byAnyTable.isEmpty()) {
            byAnyTable = Optional.of(allTables());
        }
        return found.isPresent() ? found : first(byAnyTable.get(), from, to);
    }

    private static OptionalInt first(BitSet marked, int from, int to) {
        int found = marked.nextSetBit(from);
        return found >= 0 && found < to ? OptionalInt.of(found) : OptionalInt.empty();
    }

    private void mark(long address) {
        long offset = address - base;
        if (offset >= 0 && offset < text.length) {
            targets.set((int) offset);
        }
    }

    private void mark(List<RemoteAddress> places) {
        for (RemoteAddress place : places) {
            mark(place.value());
        }
    }

    /** Sees to it that all branches into {@code [from, to)} are known, for {@link #isMarked}. */
    void prepare(int from, int to) {
        int found = Arrays.binarySearch(spans, Math.max(0, from - SHORT_REACH));
        int span = found >= 0 ? found : -found - 2;
        while (span < spans.length && spans[span] < to + SHORT_REACH) {
            if (!decoded.get(span)) {
                decoded.set(span);
                decodeSpan(spans[span], span + 1 < spans.length ? spans[span + 1] : text.length);
            }
            span++;
        }
    }

    private void decodeSpan(int from, int to) {
        int at = from;
        while (at < to) {
            long shape = X64Decoder.shape(text, at, text.length);
            int length = InsnShape.length(shape);
            if (length == 0) {
                markShortBranchesAnywhere(at, to);
                return;
            }
            if (InsnShape.kind(shape).isRelativeBranch()) {
                int immediate = at + InsnShape.immOffset(shape);
                int displacement = InsnShape.immSize(shape) == 1 ? text[immediate] : int32(immediate);
                mark(base + at + length + displacement);
            }
            at += length;
        }
    }

    /** Takes a range of offsets in the text. */
    @FunctionalInterface
    interface OffsetRange {
        void take(int start, int end);
    }

    /**
     * Nops and {@code int3} behind an instruction that never falls through, up to a place that is jumped to, with nothing
     * that is jumped to inside; where they overlap {@code [from, to)}.
     */
    void deadPadding(int from, int to, OffsetRange found) {
        prepare(Math.max(0, from), to);
        int known = Arrays.binarySearch(spans, Math.max(0, from));
        for (int span = known >= 0 ? known : -known - 2; span < spans.length && spans[span] < to; span++) {
            deadPaddingOfSpan(span, from, to, found);
        }
    }

    private void deadPaddingOfSpan(int span, int from, int to, OffsetRange found) {
        int end = span + 1 < spans.length ? spans[span + 1] : text.length;
        boolean falls = true;
        int start = -1;
        int at = spans[span];
        while (at < end && at < to) {
            long shape = X64Decoder.shape(text, at, text.length);
            InsnKind kind = InsnShape.kind(shape);
            if (InsnShape.length(shape) == 0) {
                return;
            }
            boolean padding = kind == InsnKind.NOP || kind == InsnKind.INT3;
            if (padding && !falls && start < 0) {
                start = at;
            } else if (!padding) {
                falls = !kind.endsFlow();
                start = -1;
            }
            at += InsnShape.length(shape);
            boolean ends = at == end || at < end && targets.get(at);
            if (start >= 0 && ends && at > from && start < to) {
                if (first(start, at).isEmpty()) {
                    found.take(start, at);
                }
                falls = true;
                start = -1;
            }
        }
    }

    /** Where decoding failed, every two bytes that would be a short branch count as one. */
    private void markShortBranchesAnywhere(int from, int to) {
        for (int at = from; at + 1 < to; at++) {
            int opcode = text[at] & 0xff;
            boolean branch = (opcode & 0xf0) == 0x70 || opcode == 0xeb || (opcode & 0xfc) == 0xe0;
            if (branch) {
                mark(base + at + 2 + text[at + 1]);
            }
        }
    }

    /**
     * At every byte position: {@code call}, {@code jmp} and {@code jcc} with 32-bit displacements, {@code lea} of a
     * place in the text, and, in a module for a fixed address, four bytes that are an address.
     */
    private void scanText() {
        boolean fixed = module.traits().contains(ModuleText.Trait.FIXED_ADDRESS);
        for (int at = 0; at + 5 <= text.length; at++) {
            int opcode = text[at];
            if ((opcode & 0xfe) == 0xe8) {
                markRelative(at + 1);
            } else if (opcode == 0x0f && (text[at + 1] & 0xf0) == 0x80 || isAddressLoad(at)) {
                markRelative(at + 2);
            }
            if (fixed) {
                mark(int32(at) & 0xffffffffL);
            }
        }
    }

    private boolean isAddressLoad(int at) {
        return text[at] == (byte) 0x8d && (text[at + 1] & 0xc7) == 5;
    }

    private void markRelative(int displacementAt) {
        if (displacementAt + 4 <= text.length) {
            mark(base + displacementAt + 4 + int32(displacementAt));
        }
    }

    /** Whether a place is in the text. */
    boolean isText(RemoteAddress place) {
        long offset = place.value() - base;
        return offset >= 0 && offset < text.length;
    }

    /** Whether a place is known to be jumped to, where somebody has asked before. */
    boolean isMarked(RemoteAddress place) {
        return isText(place) && targets.get((int) (place.value() - base));
    }

    /**
     * Marks where in a function a table of 32-bit distances from its own start leads: everything up to the first entry
     * that does not lead to code, which may be too much.
     */
    void markTable(RemoteAddress table, FunctionRange function) {
        readTable(table, place -> {
            if (function.contains(place)) {
                mark(place.value());
            }
        });
    }

    private void readTable(RemoteAddress table, Consumer<RemoteAddress> found) {
        for (int done = 0; done < MAX_ENTRIES; done += TABLE_CHUNK) {
            ByteBuffer entries = entries(table.plus((long) done * Integer.BYTES), TABLE_CHUNK);
            boolean whole = entries.capacity() == TABLE_CHUNK * Integer.BYTES;
            while (entries.remaining() >= Integer.BYTES) {
                RemoteAddress place = table.plus(entries.getInt());
                if (!isText(place)) {
                    return;
                }
                found.accept(place);
            }
            if (!whole) {
                return;
            }
        }
    }

    /** Whether a table may begin at a place: its first entry leads to code. */
    boolean isTable(RemoteAddress place) {
        ByteBuffer first = entries(place, 1);
        return first.remaining() >= Integer.BYTES && isText(place.plus(first.getInt()));
    }

    /** Entries of a table, as far as the file has them. */
    ByteBuffer entries(RemoteAddress start, int count) {
        return ByteBuffer.wrap(module.data().read(start, Integer.BYTES * count)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Takes every data address that any code loads for a table of distances. */
    private BitSet allTables() {
        BitSet marked = new BitSet(text.length);
        Set<Long> seen = new HashSet<>();
        for (int at = 0; at + 6 <= text.length; at++) {
            if (isAddressLoad(at)) {
                RemoteAddress table = new RemoteAddress(base + at + 6 + int32(at + 2));
                if (!isText(table) && seen.add(table.value())) {
                    readTable(table, place -> marked.set((int) (place.value() - base)));
                }
            }
        }
        return marked;
    }

    private int int32(int at) {
        return text[at] & 0xff | (text[at + 1] & 0xff) << 8 | (text[at + 2] & 0xff) << 16 | text[at + 3] << 24;
    }
}
