package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import graft.platform.asm.x86_64.Gpr;
import java.util.List;
import java.util.Optional;

/**
 * Gives registers to variables, the most used ones first. There is no spilling: a program's own variables always fit
 * into their homes, so when a function that passes have changed does not fit, it is compiled with fewer passes.
 */
final class Allocator {
    private static final int ALLOCATABLE = bits(Registers.ALLOCATABLE);
    private static final int CALLER_SAVED = bits(Registers.CALLER_SAVED);
    private static final int CALLEE_SAVED = bits(Registers.CALLEE_SAVED);

    private static final int[] PREFERENCE =
            Registers.ALLOCATABLE.stream().mapToInt(Gpr::number).toArray();

    private static final int NOTHING = -1;

    private final Interference interference;
    private final Allocation allocation;

    /** As all sets of registers here, a bit for each by its number. */
    private int touched;

    private Allocator(Function.Graph graph) {
        this.interference = new Interference(graph);
        this.allocation = new Allocation(graph.flow().vars());
    }

    /** Registers for all variables wherever they are free, or nothing when there are not enough. */
    static Optional<Allocation> allocate(Function.Graph graph) {
        Allocator allocator = new Allocator(graph);
        for (Var var : allocator.interference.byWeight()) {
            if (!allocator.give(var, Wishes.HEARD)) {
                return Optional.empty();
            }
        }
        return Optional.of(allocator.allocation);
    }

    /** Registers for a function that no pass has changed: every variable in its home. */
    static Allocation atHome(Function.Graph graph) {
        Allocator allocator = new Allocator(graph);
        List<Var> all = allocator.interference.byWeight();
        all.stream().filter(var -> var.home() >= 0).forEach(var -> allocator.put(var, Registers.home(var.home())));
        for (Var var : all) {
            if (var.home() < 0 && !allocator.give(var, Wishes.NONE)) {
                throw new AssertionError("no register for " + var);
            }
        }
        return allocator.allocation;
    }

    /** Whether a variable's copies and home have a say. */
    private enum Wishes {
        HEARD,
        NONE
    }

    private boolean give(Var var, Wishes wishes) {
        if (var.isFixed()) {
            put(var, Registers.home(var.number()));
            return true;
        }
        int free = free(var);
        if (free == 0) {
            return false;
        }
        int awkward = awkward(var);
        int costless = free & ~awkward & (~CALLEE_SAVED | touched);
        int chosen = wishes == Wishes.HEARD ? wished(var, costless) : NOTHING;
        if (chosen == NOTHING) {
            chosen = first(costless);
        }
        if (chosen == NOTHING) {
            chosen = first(free & ~awkward);
        }
        put(var, Gpr.of(chosen == NOTHING ? Integer.numberOfTrailingZeros(free) : chosen));
        return true;
    }

    /** The number of the first register to give out of a set, or {@link #NOTHING}. */
    private static int first(int among) {
        for (int number : PREFERENCE) {
            if ((among & 1 << number) != 0) {
                return number;
            }
        }
        return NOTHING;
    }

    /** The first register of {@code among} that a copy of the value is in; then the home. */
    private int wished(Var var, int among) {
        List<Var> partners = interference.partners(var);
        for (int i = 0; i < partners.size(); i++) {
            Var partner = partners.get(i);
            int bit = partner.isFixed() ? bit(Registers.home(partner.number())) : allocation.bit(partner.number());
            if ((among & bit) != 0) {
                return Integer.numberOfTrailingZeros(bit);
            }
        }
        return var.home() >= 0 && (among & bit(Registers.home(var.home()))) != 0
                ? Registers.home(var.home()).number()
                : NOTHING;
    }

    private static int bit(Gpr gpr) {
        return 1 << gpr.number();
    }

    private static int bits(List<Gpr> registers) {
        return registers.stream().mapToInt(Allocator::bit).reduce(0, (a, b) -> a | b);
    }

    private void put(Var var, Gpr gpr) {
        allocation.put(var, gpr);
        touched |= bit(gpr);
    }

    /** Where a division or a shift would have to move the variable out of the way and back. */
    private int awkward(Var var) {
        int division = interference.livesAcrossDivision(var) ? bit(Gpr.RAX) | bit(Gpr.RDX) : 0;
        return interference.livesAcrossShift(var) ? division | bit(Gpr.RCX) : division;
    }

    private int free(Var var) {
        int free = ALLOCATABLE;
        if (interference.needsThirdScratch()) {
            free &= ~bit(Registers.THIRD);
        }
        if (interference.livesAcrossCall(var)) {
            free &= ~CALLER_SAVED;
        }
        VarSet conflicts = interference.conflicts(var);
        for (int other = conflicts.next(0); other >= 0; other = conflicts.next(other + 1)) {
            if (other < Var.FIRST_FREE) {
                free &= ~bit(Registers.home(other));
            } else {
                free &= ~allocation.bit(other);
            }
        }
        return free;
    }
}
