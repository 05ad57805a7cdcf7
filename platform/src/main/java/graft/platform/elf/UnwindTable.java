package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How the callers of a file's functions are found, read from {@code .eh_frame}: rows in the order of their addresses, each for
 * the instructions from its own address to the next row's. Immutable.
 */
public final class UnwindTable {
    /** More distinct rules than any file has, and as many as 16 bits number. */
    private static final int MOST_RULES = 1 << 16;

    private static final long MOST_BYTES = 1L << 32;
    private static final int FIRST_ROWS = 1024;

    private final long base;
    private final int rows;
    private final int[] offsets;
    private final char[] numbers;
    private final List<FrameRule> rules;

    private UnwindTable(long base, Builder builder) {
        this.base = base;
        this.rows = builder.rows;
        this.offsets = builder.offsets;
        this.numbers = builder.numbers;
        this.rules = List.copyOf(builder.rules);
    }

    /**
     * The table of a file; without rows when it has no {@code .eh_frame}.
     *
     * @throws ElfFormatException when that is not understood
     */
    public static UnwindTable of(ElfFile file) {
        return file.section(ExceptionFrames.SECTION)
                .filter(section -> section.type() != ElfSection.NOBITS)
                .map(section -> of(file, section))
                .orElseGet(() -> new UnwindTable(0, new Builder(0)));
    }

    private static UnwindTable of(ElfFile file, ElfSection section) {
        List<ExceptionFrames.Function> functions = ExceptionFrames.of(file, section).stream()
                .filter(function -> function.start() > 0 && function.size() > 0 && function.size() < MOST_BYTES)
                .sorted(Comparator.comparingLong(ExceptionFrames.Function::start))
                .toList();
        long base = functions.isEmpty() ? 0 : functions.getFirst().start();
        Builder builder = new Builder(base);
        FrameProgram program = new FrameProgram(file, section);
        for (int i = 0; i < functions.size(); i++) {
            ExceptionFrames.Function function = functions.get(i);
            long end = function.start() + function.size();
            long next = i + 1 < functions.size() ? functions.get(i + 1).start() : Long.MAX_VALUE;
            if (end - base >= MOST_BYTES || next == function.start()) {
                continue;
            }
            program.run(function, (address, rule) -> {
                if (address < next) {
                    builder.add(address, rule);
                }
            });
            if (end < next) {
                builder.add(end, FrameRule.NONE);
            }
        }
        return new UnwindTable(base, builder);
    }

    /** What the addresses of rows are counted from. */
    public ElfVirtualAddress base() {
        return new ElfVirtualAddress(base);
    }

    public int rows() {
        return rows;
    }

    /** How far behind {@link #base} a row begins. */
    public long offset(int row) {
        return Integer.toUnsignedLong(offsets[row]);
    }

    /** Which of the {@link #rules} a row has. */
    public int rule(int row) {
        return numbers[row];
    }

    /** The distinct rules; the first is that of addresses nothing is said about. */
    public List<FrameRule> rules() {
        return rules;
    }

    /** The rule for an instruction. */
    public FrameRule at(ElfVirtualAddress address) {
        long offset = address.value() - base;
        int low = 0;
        int high = rows;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (offset(middle) <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low == 0 || offset < 0 ? FrameRule.NONE : rules.get(numbers[low - 1]);
    }

    /** Rows as they come. */
    private static final class Builder {
        private final long base;
        private final Map<FrameRule, Character> known = new HashMap<>();
        private final List<FrameRule> rules = new ArrayList<>();
        private int[] offsets = new int[FIRST_ROWS];
        private char[] numbers = new char[FIRST_ROWS];
        private int rows;

        private Builder(long base) {
            this.base = base;
            number(FrameRule.NONE);
            number(FrameRule.UNKNOWN);
        }

        /** Addresses do not descend; a row that changes nothing is left out. */
        private void add(long address, FrameRule rule) {
            long distance = address - base;
            long last = rows > 0 ? Integer.toUnsignedLong(offsets[rows - 1]) : 0;
            if (distance < last || distance >= MOST_BYTES) {
                return; // no compiler's instructions lead there
            }
            int offset = (int) distance;
            char number = number(rule);
            if (rows > 0 && offsets[rows - 1] == offset) {
                rows--;
            }
            if (rows > 0 && numbers[rows - 1] == number) {
                return;
            }
            if (rows == offsets.length) {
                offsets = Arrays.copyOf(offsets, 2 * rows);
                numbers = Arrays.copyOf(numbers, 2 * rows);
            }
            offsets[rows] = offset;
            numbers[rows++] = number;
        }

        private char number(FrameRule rule) {
            Character number = known.get(rule);
            if (number == null) {
                if (rules.size() == MOST_RULES) {
                    return 1; // unknown
                }
                number = (char) rules.size();
                rules.add(rule);
                known.put(rule, number);
            }
            return number;
        }
    }
}
