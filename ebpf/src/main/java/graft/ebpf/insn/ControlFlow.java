package graft.ebpf.insn;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;

/**
 * The static shape of an instruction sequence: its functions, and whether every jump, call and end makes sense. What an
 * engine needs before it may run code that nobody has verified.
 */
public final class ControlFlow {
    private final InsnList insns;
    private final TreeSet<Integer> functions = new TreeSet<>();

    private ControlFlow(InsnList insns) {
        this.insns = insns;
        functions.add(0);
    }

    /** A place where the shape is wrong, and why. */
    public record Fault(int slot, String reason) {
        @Override
        public String toString() {
            return "instruction " + slot + ": " + reason;
        }
    }

    /** First slots of the functions, ascending: slot 0 and everything that a call or a function address names. */
    public static TreeSet<Integer> functions(InsnList insns) {
        ControlFlow flow = new ControlFlow(insns);
        flow.findFunctions();
        return flow.functions;
    }

    /** The first fault by slot; empty when engines can run the program without leaving it. */
    public static Optional<Fault> fault(InsnList insns) {
        if (insns.slots() == 0) {
            return Optional.of(new Fault(0, "there are no instructions"));
        }
        return new ControlFlow(insns).firstFault();
    }

    private Optional<Fault> firstFault() {
        Optional<Fault> fault = findFunctions();
        for (int slot = 0; slot < insns.slots() && fault.isEmpty(); slot++) {
            if (insns.startsAt(slot)) {
                fault = check(slot, insns.at(slot));
            }
        }
        return fault;
    }

    private Optional<Fault> findFunctions() {
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (!insns.startsAt(slot)) {
                continue;
            }
            OptionalInt function = insns.at(slot).function(slot);
            if (function.isEmpty()) {
                continue;
            }
            int target = function.getAsInt();
            if (!insns.startsAt(target)) {
                return Optional.of(new Fault(slot, "no function can begin at slot " + target));
            }
            functions.add(target);
        }
        return Optional.empty();
    }

    private Optional<Fault> check(int slot, Insn insn) {
        if (insn.written().filter(reg -> reg == Reg.R10).isPresent()) {
            return Optional.of(new Fault(slot, "r10 is the frame pointer and cannot be changed"));
        }
        int next = slot + insn.slots();
        OptionalInt jump = insn.jump();
        if (jump.isPresent() && !inSameFunction(slot, next + jump.getAsInt())) {
            return Optional.of(new Fault(slot, "no jump can lead to slot " + (next + jump.getAsInt())));
        }
        return insn.goesOn() && !inSameFunction(slot, next)
                ? Optional.of(new Fault(slot, "the function ends here, but not with exit or a jump"))
                : Optional.empty();
    }

    private boolean inSameFunction(int slot, int target) {
        return insns.startsAt(target) && functions.floor(target).equals(functions.floor(slot));
    }
}
