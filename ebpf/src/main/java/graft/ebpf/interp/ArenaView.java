package graft.ebpf.interp;

import graft.ebpf.insn.AddressCast;
import graft.ebpf.verifier.Facts;
import java.util.OptionalLong;

/**
 * A program's arena as an interpreter sees it: at the addresses that are kept in it. Tail called programs have none.
 *
 * @param use which instructions work on it
 */
record ArenaView(Facts.ArenaUse use) {
    /** For programs without an arena. */
    static final ArenaView NONE = new ArenaView(Facts.ArenaUse.NONE);

    private static final long LOW = 0xffff_ffffL;

    boolean isAccess(int slot) {
        return use.accesses().get(slot);
    }

    long cast(AddressCast cast, long address) {
        return switch (cast) {
            case TO_ACCESS -> address & LOW;
            case TO_KEEP -> use.area().kept(address);
        };
    }

    /** The result of arithmetic. */
    long result(int slot, long value) {
        return use.arithmetic().get(slot) ? value & LOW : value;
    }

    OptionalLong place(long address, int offset, int size) {
        OptionalLong distance = use.area().distance(address, offset, size);
        return distance.isPresent() ? OptionalLong.of(use.area().start() + distance.getAsLong()) : distance;
    }
}
