package graft.ebpf.insn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * From text to instructions: reads everything that {@link Disassembler} writes, and besides that labels ({@code name:}),
 * which jumps, calls and {@code function} can name, and comments behind {@code ;} and {@code //}. One instruction a line.
 */
public final class Assembler {
    private final List<String> lines;
    private final Map<String, Integer> labels = new LinkedHashMap<>();

    private Assembler(String text) {
        this.lines = text.lines().toList();
    }

    /** What came of a text. */
    public sealed interface Result {
        /**
         * Instructions.
         *
         * @param labels slots by name, in the order of the text
         * @param lines by slot, which line the instruction is in, counted from 1
         */
        record Assembled(InsnList insns, Map<String, Integer> labels, Map<Integer, Integer> lines) implements Result {}

        /** The first place that cannot be read, counted from 1, what is wrong there and what to try. */
        record Refused(int line, int column, String what, String remedy) implements Result {}
    }

    /** Reads a whole program. */
    public static Result assemble(String text) {
        Assembler assembler = new Assembler(text);
        // The first time tells where the labels are.
        return assembler.read(Labels.LATER) instanceof Result.Refused refused
                ? refused
                : assembler.read(new Labels(Map.copyOf(assembler.labels)));
    }

    private Result read(Labels known) {
        labels.clear();
        List<Insn> insns = new ArrayList<>();
        Map<Integer, Integer> lineOfSlot = new HashMap<>();
        int slot = 0;
        for (int number = 1; number <= lines.size(); number++) {
            try {
                AssemblyLine line = new AssemblyLine(lines.get(number - 1));
                marks(line, slot);
                if (line.isAtEnd()) {
                    continue;
                }
                Insn insn = new AssemblyStatement(line, new AssemblyOperands(line, known, slot)).read();
                lineOfSlot.put(slot, number);
                insns.add(insn);
                slot += insn.slots();
            } catch (AssemblyLine.Unreadable unreadable) {
                return new Result.Refused(number, unreadable.column(), unreadable.getMessage(), unreadable.remedy());
            }
        }
        return new Result.Assembled(InsnList.of(insns), new LinkedHashMap<>(labels), lineOfSlot);
    }

    /** Labels and, as in a listing, the number of the slot. */
    private void marks(AssemblyLine line, int slot) {
        while (line.sees(1, ":")) {
            int column = line.column();
            if (line.seesNumber()) {
                long written = line.number("the number of the slot");
                if (written != slot) {
                    throw new AssemblyLine.Unreadable(
                            column,
                            "this is slot %d and not %d".formatted(slot, written),
                            "leave the numbers out, or copy all lines of the listing");
                }
            } else if (labels.putIfAbsent(line.word("a label"), slot) != null) {
                throw new AssemblyLine.Unreadable(column, "this label is there twice", "give one of them another name");
            }
            line.expect(":");
        }
    }

    /** Where names lead; {@link #LATER} knows every name. */
    record Labels(Map<String, Integer> slots) {
        static final Labels LATER = new Labels(Map.of());

        boolean contains(String name) {
            return slots.containsKey(name);
        }

        /** How far a label is from the instruction behind {@code slot}. */
        int distance(String name, int slot, int column) {
            if (this == LATER) {
                return 0;
            }
            if (!slots.containsKey(name)) {
                String known = slots.isEmpty()
                        ? ""
                        : "; labels are "
                                + String.join(
                                        ", ", slots.keySet().stream().sorted().toList());
                throw new AssemblyLine.Unreadable(
                        column, "there is no label " + name, "write " + name + ": in front of a line" + known);
            }
            return slots.get(name) - slot - 1;
        }
    }
}
