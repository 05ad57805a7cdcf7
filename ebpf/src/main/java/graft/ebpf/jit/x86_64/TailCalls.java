package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.function.Predicate;

/** Whether a program goes on in others: its functions then hand on where tail calls are counted. */
enum TailCalls {
    NONE,
    SOME;

    /** As in the kernel: the start and 33 more. */
    static final int MOST = 33;

    /** Of what the verifier reached. */
    static TailCalls of(ProgSpec program, Facts facts) {
        return calls(program, facts, helper -> helper == Helper.TAIL_CALL) ? SOME : NONE;
    }

    /** Whether functions of the program are called by helpers, which hand nothing on. */
    static boolean besideCallbacks(ProgSpec program, Facts facts) {
        return of(program, facts) == SOME && calls(program, facts, Helper::callsBack);
    }

    private static boolean calls(ProgSpec program, Facts facts, Predicate<Helper> property) {
        InsnList insns = program.insns();
        for (int slot = 0; slot < insns.slots(); slot++) {
            if (insns.startsAt(slot)
                    && insns.at(slot) instanceof Insn.CallHelper(int number)
                    && facts.reachable().get(slot)
                    && Helper.byNumber(number).filter(property).isPresent()) {
                return true;
            }
        }
        return false;
    }
}
