package graft.daemon.timer;

import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The functions that the programs of a session give to timers. In maps they have numbers, from 1 in the order in which they were
 * added; addresses in processes would mean nothing here.
 */
public final class TimerFunctions {
    /** The most that a timer has room for. */
    public static final int MOST = 0xffff;

    /**
     * One of them.
     *
     * @param program that it is in
     * @param slot its first slot
     * @param numbers what calls in that program that give a function to a timer mean, by slot
     */
    record Function(ProgSpec program, int slot, Map<Integer, Integer> numbers) {}

    private final List<Function> functions = new ArrayList<>();

    /** Those of no program. */
    public TimerFunctions() {}

    /** Numbers the functions of a program. @return its facts with these numbers */
    public Facts add(ProgSpec program, Facts facts) {
        Map<Integer, Integer> bySlot = new HashMap<>();
        Map<Integer, Integer> numbers = new HashMap<>();
        List<Integer> slots =
                facts.timerFunctions().values().stream().distinct().sorted().toList();
        slots.forEach(slot -> bySlot.put(slot, functions.size() + bySlot.size() + 1));
        facts.timerFunctions().forEach((call, slot) -> numbers.put(call, bySlot.get(slot)));
        Map<Integer, Integer> known = Map.copyOf(numbers);
        slots.forEach(slot -> functions.add(new Function(program, slot, known)));
        return slots.isEmpty() ? facts : facts.withTimerFunctions(known);
    }

    /** How many there are. */
    public int count() {
        return functions.size();
    }

    /** @throws graft.ebpf.interp.ProgramFault when there is none with this number, which a process has written there */
    Function get(int number) {
        if (number < 1 || number > functions.size()) {
            throw new graft.ebpf.interp.ProgramFault("a timer has function " + number + ", which there is not");
        }
        return functions.get(number - 1);
    }
}
