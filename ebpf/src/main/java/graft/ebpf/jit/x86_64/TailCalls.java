package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Whether a program goes on in others: its functions then hand on where tail calls are counted. */
enum TailCalls {
    NONE,
    SOME;

    /** As in the kernel: the start and 33 more. */
    static final int MOST = 33;

    /** Of what the verifier reached. */
    static TailCalls of(ProgSpec program, Facts facts) {
        return calls(program, facts).anyMatch(helper -> helper == Helper.TAIL_CALL) ? SOME : NONE;
    }

    /** Whether functions of the program are called by helpers, which hand nothing on. */
    static boolean besideCallbacks(ProgSpec program, Facts facts) {
        return of(program, facts) == SOME && calls(program, facts).anyMatch(Helper::callsBack);
    }

    private static Stream<Helper> calls(ProgSpec program, Facts facts) {
        InsnList insns = program.insns();
        return IntStream.range(0, insns.slots())
                .filter(slot -> insns.startsAt(slot) && facts.reachable().get(slot))
                .mapToObj(insns::at)
                .filter(Insn.CallHelper.class::isInstance)
                .flatMap(insn -> Helper.byNumber(((Insn.CallHelper) insn).helper()).stream());
    }
}
