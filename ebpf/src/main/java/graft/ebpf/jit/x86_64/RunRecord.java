package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.Wide;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.ProgramTable;
import graft.ebpf.jit.TargetBinding.RunSignals;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What one run of a program keeps in one place for all its functions, and for the programs that it goes on in: how many tail
 * calls it has made, and the signals to be sent when it has ended. Functions and loops hand its address on; helpers that
 * the agent has do not.
 */
enum RunRecord {
    NONE,
    COUNTER,
    COUNTER_AND_SIGNALS;

    /** Tail calls of a run at most: as in the kernel, the start and 33 more. */
    static final int MOST_TAIL_CALLS = 33;

    /** What {@code program} needs, of what the verifier reached. */
    static RunRecord of(ProgSpec program, Facts facts, TargetBinding binding) {
        boolean others = calls(program, facts, helper -> helper == Helper.TAIL_CALL);
        boolean othersSend =
                others && binding.programs().map(ProgramTable::signals).orElse(RunSignals.NONE) == RunSignals.SENT;
        if (othersSend || calls(program, facts, Helper::notesSignal)) {
            return COUNTER_AND_SIGNALS;
        }
        return others ? COUNTER : NONE;
    }

    /** Why {@code helper} cannot be called where it is, or nothing. */
    static Optional<String> refusal(Helper helper, ProgSpec program, Facts facts) {
        if (helper == Helper.TAIL_CALL && calls(program, facts, Helper::callsBack)) {
            return Optional.of("makes a tail call, beside functions that helpers call");
        }
        boolean byAgent = calls(program, facts, one -> one.callsBack() && one != Helper.LOOP);
        return helper.notesSignal() && byAgent && isCalledBack(helper, program, facts)
                ? Optional.of(
                        "calls " + helper.text() + " in a function, beside a helper of the agent that calls functions")
                : Optional.empty();
    }

    private static boolean calls(ProgSpec program, Facts facts, Predicate<Helper> property) {
        return calls(program.insns(), facts, 0, program.insns().slots(), property);
    }

    private static boolean calls(InsnList insns, Facts facts, int from, int end, Predicate<Helper> property) {
        for (int slot = from; slot < end; slot++) {
            if (insns.startsAt(slot)
                    && insns.at(slot) instanceof Insn.CallHelper(int number)
                    && facts.reachable().get(slot)
                    && Helper.byNumber(number).filter(property).isPresent()) {
                return true;
            }
        }
        return false;
    }

    /** Whether a function whose address is taken calls it, or one that such a function leads to. */
    private static boolean isCalledBack(Helper helper, ProgSpec program, Facts facts) {
        InsnList insns = program.insns();
        Deque<Integer> open = new ArrayDeque<>();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)
                    && facts.reachable().get(slot)
                    && insns.at(slot) instanceof Insn.LoadWide(var _, Wide.Function(int first))) {
                open.add(first);
            }
        }
        Set<Integer> seen = new HashSet<>();
        while (!open.isEmpty()) {
            int first = open.remove();
            ProgSpec.Function function = program.functions().stream()
                    .filter(one -> one.firstSlot() == first)
                    .findFirst()
                    .orElseThrow();
            int end = first + function.slots();
            if (seen.add(first) && calls(insns, facts, first, end, one -> one == helper)) {
                return true;
            }
            for (int slot = first; slot < end; slot++) {
                if (insns.startsAt(slot) && insns.at(slot) instanceof Insn.CallLocal(int distance)) {
                    int called = slot + 1 + distance;
                    if (!seen.contains(called)) {
                        open.add(called);
                    }
                }
            }
        }
        return false;
    }
}
