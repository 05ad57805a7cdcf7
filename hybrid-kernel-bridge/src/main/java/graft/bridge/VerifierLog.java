package graft.bridge;

import graft.ebpf.insn.Insn;
import graft.ebpf.object.ProgSpec;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the kernel verifier's log: the last lines matter, and statistics follow the reason. */
final class VerifierLog {
    private static final int LINES = 12;
    private static final Pattern INSTRUCTION = Pattern.compile("(\\d+): \\([0-9a-f]{2}\\) (.*?)(?:\\s*;.*)?");
    private static final Pattern STATISTICS =
            Pattern.compile("(processed \\d+ insns|verification time|stack depth|mark_precise:).*");

    private final List<String> lines;

    VerifierLog(String log) {
        this.lines = log.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !STATISTICS.matcher(line).matches())
                .toList();
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }

    /**
     * @param prog the program as its object has it
     * @param shift how many slots were put in front of it
     */
    KernelLoad.Rejected rejected(ProgSpec prog, int shift) {
        OptionalInt slot = OptionalInt.empty();
        String instruction = "";
        for (String line : lines) {
            Matcher matcher = INSTRUCTION.matcher(line);
            if (matcher.matches()) {
                slot = OptionalInt.of(Integer.parseInt(matcher.group(1)) - shift);
                instruction = matcher.group(2);
            }
        }
        String where = slot.isPresent() ? place(prog, slot.getAsInt()) : prog.section();
        List<String> last = lines.subList(Math.max(0, lines.size() - LINES), lines.size());
        String reason = slot.isPresent() ? reason(prog, slot.getAsInt()) : lines.getLast();
        return new KernelLoad.Rejected(prog.name(), where, instruction, reason, String.join("\n", last));
    }

    /** The kernel cannot know why the loader gave up on an instruction; the program does. */
    private String reason(ProgSpec prog, int slot) {
        return prog.insns().startsAt(slot) && prog.insns().at(slot) instanceof Insn.Poison(var why, var _)
                ? why
                : lines.getLast();
    }

    private static String place(ProgSpec prog, int slot) {
        String place = "slot " + slot;
        for (ProgSpec.SourceLine line : prog.lines()) {
            if (line.slot() <= slot) {
                place = line.toString();
            }
        }
        return place;
    }
}
