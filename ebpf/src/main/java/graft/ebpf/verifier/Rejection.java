package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.ProgSpec.SourceLine;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Why a program was refused, and where.
 *
 * @param program the program's name
 * @param cause the kind of reason
 * @param slot the slot of the offending instruction; 0 when the reason is not tied to one
 * @param insn that instruction as text
 * @param registers the registers concerned, the first one first
 * @param why the reason in one sentence, without a full stop
 * @param path slots of the calls and branches on the way, ending at {@code slot}; shortened when long
 * @param source the source line, when the object carries lines
 * @param suggestion what to try, empty when there is nothing sensible to say
 */
public record Rejection(
        String program,
        Cause cause,
        int slot,
        String insn,
        List<Reg> registers,
        String why,
        List<Integer> path,
        Optional<SourceLine> source,
        String suggestion) {

    private static final int SHOWN_STEPS = 8;

    /** Copies the lists. */
    public Rejection {
        registers = List.copyOf(registers);
        path = List.copyOf(path);
    }

    /** The first line: what failed, on what. A caller puts the error code in front of it. */
    public String headline() {
        return "program " + program + " refused by the verifier: " + cause.summary();
    }

    /** The lines below the headline: place, reason, suggestion and source. */
    public String details() {
        StringBuilder text = new StringBuilder();
        text.append("  at insn ").append(slot).append("   ").append(insn).append('\n');
        text.append("     ").append(why);
        if (path.size() > 1) {
            text.append(" on the path ").append(pathText());
        }
        text.append('\n');
        String origin = source.map(line -> "source: " + line).orElse("");
        if (!suggestion.isEmpty()) {
            text.append("  fix: ").append(suggestion);
            if (!origin.isEmpty()) {
                text.append("         ").append(origin);
            }
            text.append('\n');
        } else if (!origin.isEmpty()) {
            text.append("  ").append(origin).append('\n');
        }
        return text.toString();
    }

    /** Headline and details. */
    public String render() {
        return headline() + "\n" + details();
    }

    @Override
    public String toString() {
        return render();
    }

    private String pathText() {
        int from = Math.max(0, path.size() - SHOWN_STEPS);
        String steps =
                path.subList(from, path.size()).stream().map(String::valueOf).collect(Collectors.joining(" → "));
        return from == 0 ? steps : "… → " + steps;
    }
}
