package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import java.util.List;

/** An unmet obligation: the part of a {@link Rejection} that does not depend on the place. */
record Finding(Cause cause, List<Reg> registers, String why, String suggestion) {
    static Finding of(Cause cause, Reg reg, String why, String suggestion) {
        return new Finding(cause, List.of(reg), why, suggestion);
    }

    static Finding of(Cause cause, String why, String suggestion) {
        return new Finding(cause, List.of(), why, suggestion);
    }
}
