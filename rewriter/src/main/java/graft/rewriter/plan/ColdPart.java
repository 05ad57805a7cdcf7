package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Code that a function jumps to outside its bytes. Compilers move seldom executed blocks away (GCC: {@code NAME.cold});
 * these jump back or end in a call that does not return, so the function's exits stay where they are.
 */
final class ColdPart {
    private static final int MAX_INSNS = 400;

    private final ModuleText module;
    private final FunctionRange function;
    private final Set<RemoteAddress> seen = new HashSet<>();
    private final Deque<RemoteAddress> open = new ArrayDeque<>();

    private ColdPart(ModuleText module, FunctionRange function) {
        this.module = module;
        this.function = function;
    }

    /** Whether all paths from {@code start} come back into the function or end there; "no" when in doubt. */
    static boolean comesBack(ModuleText module, FunctionRange function, RemoteAddress start) {
        ColdPart part = new ColdPart(module, function);
        part.open.push(start);
        while (!part.open.isEmpty()) {
            if (!part.follow(part.open.pop())) {
                return false;
            }
        }
        return true;
    }

    private boolean follow(RemoteAddress from) {
        RemoteAddress at = from;
        boolean afterCall = false;
        while (!function.contains(at) && seen.add(at)) {
            if (!at.equals(from) && isFunction(at)) {
                return afterCall;
            }
            boolean outside = at.compareTo(module.start()) < 0 || at.compareTo(module.end()) >= 0;
            if (outside || seen.size() > MAX_INSNS || !(decode(at) instanceof X64Insn insn)) {
                return false;
            }
            switch (insn.kind()) {
                case PLAIN, NOP, ENDBR64, SYSCALL -> afterCall = false;
                case CALL_REL, CALL_INDIRECT -> afterCall = true;
                case JCC_REL, LOOP_REL, JRCXZ_REL -> {
                    open.push(insn.branchTarget().orElseThrow());
                    afterCall = false;
                }
                case JMP_REL -> {
                    open.push(insn.branchTarget().orElseThrow());
                    return true;
                }
                case UNDEFINED, HLT -> {
                    return true;
                }
                case XBEGIN_REL, JMP_INDIRECT, RET, FAR, TRAP, INT3 -> {
                    return false;
                }
            }
            at = insn.end();
        }
        return true;
    }

    private boolean isFunction(RemoteAddress address) {
        return Collections.binarySearch(module.functions(), address) >= 0;
    }

    private Decoding decode(RemoteAddress at) {
        return X64Decoder.decode(module.text(), module.offsetOf(at), at);
    }
}
