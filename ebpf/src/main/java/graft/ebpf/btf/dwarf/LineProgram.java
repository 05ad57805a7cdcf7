package graft.ebpf.btf.dwarf;

import java.util.BitSet;
import java.util.Map;
import java.util.TreeSet;

/** Runs the operations of one unit's line table. */
final class LineProgram {
    private static final int COPY = 1;
    private static final int ADVANCE_ADDRESS = 2;
    private static final int ADVANCE_LINE = 3;
    private static final int SET_FILE = 4;
    private static final int NEGATE_STATEMENT = 6;
    private static final int ADD_CONSTANT = 8;
    private static final int ADVANCE_FIXED = 9;
    private static final int END_SEQUENCE = 1;
    private static final int SET_ADDRESS = 2;

    private final LineHeader header;
    private final BitSet files;
    private long address;
    private long file;
    private long line;
    private boolean beginsStatement;

    /** @param files the numbers of those whose lines are wanted */
    LineProgram(LineHeader header, BitSet files) {
        this.header = header;
        this.files = files;
        reset();
    }

    private void reset() {
        address = 0;
        file = 1;
        line = 1;
        beginsStatement = header.first() == LineHeader.StartsStatement.YES;
    }

    void run(Bytes in, int end, Map<Integer, TreeSet<Long>> rows) {
        while (in.place() < end) {
            int operation = (int) in.unsigned(1);
            if (operation >= header.operands().length) {
                int adjusted = operation - header.operands().length;
                address += (long) adjusted / header.lineRange() * header.unit();
                line += header.lineBase() + adjusted % header.lineRange();
                row(rows);
            } else if (operation == 0) {
                extended(in);
            } else {
                standard(operation, in, rows);
            }
        }
    }

    private void extended(Bytes in) {
        long length = in.uleb();
        int next = in.place();
        if (length > 0) {
            switch ((int) in.unsigned(1)) {
                case END_SEQUENCE -> reset();
                case SET_ADDRESS -> address = in.unsigned((int) Math.min(Long.BYTES, length - 1));
                default -> {
                    // Discriminators and what others have added say nothing about lines.
                }
            }
        }
        Bytes behind = in.at(next);
        behind.skip(length);
        in.go(behind.place());
    }

    private void standard(int operation, Bytes in, Map<Integer, TreeSet<Long>> rows) {
        switch (operation) {
            case COPY -> row(rows);
            case ADVANCE_ADDRESS -> address += in.uleb() * header.unit();
            case ADVANCE_LINE -> line += in.sleb();
            case SET_FILE -> file = in.uleb();
            case NEGATE_STATEMENT -> beginsStatement = !beginsStatement;
            case ADD_CONSTANT -> address += (255L - header.operands().length) / header.lineRange() * header.unit();
            case ADVANCE_FIXED -> address += in.unsigned(2);
            default -> {
                for (int i = 0; i < header.operands()[operation]; i++) {
                    in.uleb();
                }
            }
        }
    }

    private void row(Map<Integer, TreeSet<Long>> rows) {
        boolean wanted = beginsStatement && file >= 0 && file < Integer.MAX_VALUE && files.get((int) file);
        if (wanted && line > 0 && line <= Integer.MAX_VALUE) {
            rows.computeIfAbsent((int) line, _ -> new TreeSet<>()).add(address);
        }
    }
}
