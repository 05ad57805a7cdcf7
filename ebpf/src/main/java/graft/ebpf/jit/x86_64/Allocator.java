package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Var;
import graft.platform.asm.x86_64.Gpr;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Gives registers to variables, the most used ones first. There is no spilling: a program's own variables always fit
 * into their homes, so when a function that passes have changed does not fit, it is compiled with fewer passes.
 */
final class Allocator {
    private final Interference interference;
    private final Allocation allocation;
    private final Set<Gpr> touched = EnumSet.noneOf(Gpr.class);

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
        Set<Gpr> free = free(var);
        Optional<Gpr> chosen = first(wishes, free::contains);
        if (chosen.isEmpty()) {
            chosen = first(
                    Registers.ALLOCATABLE,
                    gpr -> free.contains(gpr)
                            && (!Registers.isCalleeSaved(gpr) || touched.contains(gpr))
                            && !isAwkward(var, gpr));
        }
        if (chosen.isEmpty()) {
            chosen = first(Registers.ALLOCATABLE, gpr -> free.contains(gpr) && !isAwkward(var, gpr));
        }
        if (chosen.isEmpty()) {
            chosen = free.stream().findFirst();
        }
        chosen.ifPresent(gpr -> put(var, gpr));
        return chosen.isPresent();
    }

    private static Optional<Gpr> first(List<Gpr> registers, Predicate<Gpr> property) {
        for (Gpr gpr : registers) {
            if (property.test(gpr)) {
                return Optional.of(gpr);
            }
        }
        return Optional.empty();
    }

    private void put(Var var, Gpr gpr) {
        allocation.put(var, gpr);
        touched.add(gpr);
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
        wishes.removeIf(gpr -> isAwkward(var, gpr) || Registers.isCalleeSaved(gpr) && !touched.contains(gpr));
        return wishes;
    }

    /** A division would have to move the variable out of the way and back. */
    private boolean isAwkward(Var var, Gpr gpr) {
        return switch (gpr) {
            case RAX, RDX -> interference.livesAcrossDivision(var);
            case RCX -> interference.livesAcrossShift(var);
            default -> false; // no operation needs it
        };
    }

    private Set<Gpr> free(Var var) {
        Set<Gpr> free = EnumSet.copyOf(Registers.ALLOCATABLE);
        if (interference.needsThirdScratch()) {
            free.remove(Registers.THIRD);
        }
        if (interference.livesAcrossCall(var)) {
            Registers.CALLER_SAVED.forEach(free::remove);
        }
        BitSet conflicts = interference.conflicts(var);
        for (int other = conflicts.nextSetBit(0); other >= 0; other = conflicts.nextSetBit(other + 1)) {
            if (other < Var.FIRST_FREE) {
                free.remove(Registers.home(other));
            } else {
                allocation.at(other).ifPresent(free::remove);
            }
        }
        return free;
    }
}
