package graft.rewriter.relocate;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Insn;
import java.util.List;

/** The outcome of moving instructions: where each one continues, or why one of them cannot be moved. */
public sealed interface Relocation {
    /** All instructions were moved; nothing but their place has changed. */
    record Done(List<Moved> moved) implements Relocation {
        public Done {
            moved = List.copyOf(moved);
        }
    }

    /** {@code insn} cannot be moved with provably the same effect. */
    record Refused(X64Insn insn, String reason) implements Relocation {}

    /** {@code insn} continues at {@code to}. */
    record Moved(X64Insn insn, RemoteAddress to) {}
}
