package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Var;
import graft.platform.asm.x86_64.Gpr;
import java.util.ArrayList;
import java.util.BitSet;
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
            if (!allocator.give(var, allocator.wishes(var))) {
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
            if (var.home() < 0 && !allocator.give(var, List.of())) {
                throw new AssertionError("no register for " + var);
            }
        }
        return allocator.allocation;
    }

    private boolean give(Var var, List<Gpr> wishes) {
        if (var.isFixed()) {
            put(var, Registers.home(var.number()));
            return true;
        }
        int free = free(var);
        if (free == 0) {
            return false;
        }
        int easy = free & ~awkward(var);
        Optional<Gpr> chosen = first(wishes, free);
        if (chosen.isEmpty()) {
            chosen = first(Registers.ALLOCATABLE, easy & (~CALLEE_SAVED | touched));
        }
        if (chosen.isEmpty()) {
            chosen = first(Registers.ALLOCATABLE, easy);
        }
        put(var, chosen.orElseGet(() -> Gpr.of(Integer.numberOfTrailingZeros(free))));
        return true;
    }

    private static Optional<Gpr> first(List<Gpr> registers, int among) {
        for (int i = 0; i < registers.size(); i++) {
            if ((among & bit(registers.get(i))) != 0) {
                return Optional.of(registers.get(i));
            }
        }
        return Optional.empty();
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

    /** Registers of copies of the value, then the home. */
    private List<Gpr> wishes(Var var) {
        List<Gpr> wishes = new ArrayList<>();
        for (Var partner : interference.partners(var)) {
            if (partner.isFixed()) {
                wishes.add(Registers.home(partner.number()));
            } else if (allocation.has(partner)) {
                wishes.add(allocation.of(partner));
            }
        }
        if (var.home() >= 0) {
            wishes.add(Registers.home(var.home()));
        }
        int unwelcome = awkward(var) | CALLEE_SAVED & ~touched;
        wishes.removeIf(gpr -> (unwelcome & bit(gpr)) != 0);
        return wishes;
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
        BitSet conflicts = interference.conflicts(var);
        for (int other = conflicts.nextSetBit(0); other >= 0; other = conflicts.nextSetBit(other + 1)) {
            if (other < Var.FIRST_FREE) {
                free &= ~bit(Registers.home(other));
            } else {
                free &= ~allocation.bit(other);
            }
        }
        return free;
    }
}
