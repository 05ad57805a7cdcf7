package graft.daemon.image;

import graft.platform.elf.FrameRule;
import graft.platform.elf.UnwindTable;
import graft.platform.layout.UnwindConstants;
import graft.platform.layout.UnwindRuleLayout;
import graft.platform.layout.UnwindTableLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A table as targets read it: {@code unwind.layout}. */
final class UnwindImage {
    private final UnwindTable table;
    private final long start;
    private final int blocks;
    private final int distancesAt;
    private final int numbersAt;
    private final int rulesAt;
    private final int size;

    /** @param start where in the memory it will be */
    private UnwindImage(UnwindTable table, long start) {
        this.table = table;
        this.start = start;
        long last = table.offset(table.rows() - 1);
        this.blocks = Math.toIntExact((last >>> UnwindConstants.UNWIND_BLOCK_BITS) + 1);
        this.distancesAt = Math.addExact(UnwindTableLayout.SIZE, Math.multiplyExact(Integer.BYTES, blocks));
        this.numbersAt = Math.addExact(distancesAt, Math.multiplyExact(Integer.BYTES, table.rows()));
        this.rulesAt = Math.addExact(numbersAt, Math.multiplyExact(Integer.BYTES, (table.rows() + 1) / 2));
        this.size = Math.addExact(
                rulesAt, Math.multiplyExact(UnwindRuleLayout.SIZE, table.rules().size()));
    }

    /**
     * The bytes.
     *
     * @param table one with rows
     * @throws ArithmeticException when there are more than an array has
     */
    static byte[] of(UnwindTable table, long start) {
        return new UnwindImage(table, start).bytes();
    }

    private byte[] bytes() {
        ByteBuffer image = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(UnwindTableLayout.ROWS, table.rows());
        image.putInt(UnwindTableLayout.BLOCKS, blocks);
        image.putInt(UnwindTableLayout.BLOCKS_AT, (int) (start + UnwindTableLayout.SIZE));
        image.putInt(UnwindTableLayout.DISTANCES_AT, (int) (start + distancesAt));
        image.putInt(UnwindTableLayout.NUMBERS_AT, (int) (start + numbersAt));
        image.putInt(UnwindTableLayout.RULES_AT, (int) (start + rulesAt));
        int row = 0;
        for (int block = 0; block < blocks; block++) {
            long begin = (long) block << UnwindConstants.UNWIND_BLOCK_BITS;
            while (row + 1 < table.rows() && table.offset(row + 1) <= begin) {
                row++;
            }
            image.putInt(UnwindTableLayout.SIZE + block * Integer.BYTES, row);
        }
        for (row = 0; row < table.rows(); row++) {
            image.putInt(distancesAt + row * Integer.BYTES, (int) table.offset(row));
            image.putShort(numbersAt + row * Short.BYTES, (short) table.rule(row));
        }
        for (int rule = 0; rule < table.rules().size(); rule++) {
            put(image, rulesAt + rule * UnwindRuleLayout.SIZE, table.rules().get(rule));
        }
        return image.array();
    }

    private static void put(ByteBuffer image, int at, FrameRule rule) {
        image.put(at + UnwindRuleLayout.KIND, (byte) number(rule.kind()));
        image.put(at + UnwindRuleLayout.REG, (byte) rule.register());
        image.put(at + UnwindRuleLayout.SAVED, (byte) number(rule.saved()));
        image.putInt(at + UnwindRuleLayout.OFFSET, rule.offset());
        image.putInt(at + UnwindRuleLayout.ADDED, rule.added());
        image.putInt(at + UnwindRuleLayout.SAVED_AT, rule.savedAt());
    }

    private static int number(FrameRule.Kind kind) {
        return switch (kind) {
            case NONE -> UnwindConstants.UNWIND_NONE;
            case UNKNOWN -> UnwindConstants.UNWIND_UNKNOWN;
            case OUTERMOST -> UnwindConstants.UNWIND_OUTERMOST;
            case REGISTER -> UnwindConstants.UNWIND_REGISTER;
            case LOADED -> UnwindConstants.UNWIND_LOADED;
            case PLT -> UnwindConstants.UNWIND_PLT;
            case SIGNAL -> UnwindConstants.UNWIND_SIGNAL;
        };
    }

    private static int number(FrameRule.Saved saved) {
        return switch (saved) {
            case UNCHANGED -> UnwindConstants.UNWIND_UNCHANGED;
            case AT_FRAME -> UnwindConstants.UNWIND_AT_FRAME;
            case AT_RBP -> UnwindConstants.UNWIND_AT_RBP;
            case AT_RSP -> UnwindConstants.UNWIND_AT_RSP;
            case LOST -> UnwindConstants.UNWIND_LOST;
        };
    }
}
