package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.verifier.Value.Resident;
import graft.ebpf.verifier.Value.Resident.Thing;

/** Dynptrs and iterators: objects that helpers keep on the program's stack, slot by slot. */
final class StackObjects {
    static final int DYNPTR_PARTS = 2;

    private StackObjects() {}

    /** Where an argument points: the frame, and the slot with the lowest address. */
    record Site(Frame frame, int slot) {
        /** Slots are numbered downwards; part 0 is at the lowest address. */
        int slotOf(int part) {
            return slot - part;
        }
    }

    /** The place that an argument names: on the stack, aligned, at a constant offset, with room. */
    static Site site(Step step, Reg reg, int parts) {
        Pointer pointer = step.pointer(reg);
        boolean onStack = pointer.region() instanceof Value.Region.Stack
                && pointer.offset().isConstant();
        if (!onStack || pointer.offset().constant() % 8 != 0) {
            throw bad(
                    reg, reg + " is not the start of a variable on the stack", "pass the address of a local variable");
        }
        Scalar offset = pointer.offset();
        step.require(new Obligation.InStack(reg, offset, 8L * parts));
        int frame = ((Value.Region.Stack) pointer.region()).frame();
        step.walk.notes().stack(step.state.frame(frame).function, offset);
        return new Site(step.state.frame(frame), StackMemory.slotOf(offset.constant()));
    }

    /** The object that begins at a site. */
    static Thing at(Step step, Site site, Reg reg) {
        step.walk.reads(site.frame, 1L << site.slot);
        if (site.frame.slot(site.slot).spilled() instanceof Resident(var thing, var part) && part == 0) {
            for (int other = 1; other < parts(thing); other++) {
                step.walk.reads(site.frame, 1L << site.slotOf(other));
            }
            return thing;
        }
        throw bad(
                reg, reg + " does not point to a dynptr or iterator that was set up", "set it up on every path first");
    }

    private static int parts(Thing thing) {
        return switch (thing) {
            case Thing.Dynptr _ -> DYNPTR_PARTS;
            case Thing.Iterator iterator -> iterator.parts();
        };
    }

    /** Sets an object up; nothing may be there that still holds something. */
    static void put(Step step, Reg reg, Site site, Thing thing, int parts) {
        for (int part = 0; part < parts; part++) {
            if (site.frame.slot(site.slotOf(part)).spilled() instanceof Resident resident) {
                if (resident.thing() instanceof Thing.Iterator) {
                    throw bad(reg, "an iterator is set up where one is in use", "destroy it first");
                }
                destroy(step, reg, site.frame, site.slotOf(part), resident);
            }
        }
        replace(site, thing, parts);
    }

    static void replace(Site site, Thing thing, int parts) {
        for (int part = 0; part < parts; part++) {
            site.frame.overwrite(site.slotOf(part), StackSlot.of(new Resident(thing, part)));
        }
    }

    /** The bytes of an object become plain, and what was cut from it dies. */
    static void remove(Step step, Site site, Thing thing, int parts) {
        for (int part = 0; part < parts; part++) {
            site.frame.setSlot(site.slotOf(part), StackSlot.EMPTY);
        }
        if (thing instanceof Thing.Dynptr dynptr) {
            forgetSlices(step.state, dynptr.id());
        }
    }

    static void forgetSlices(AbstractState state, int owner) {
        state.replaceValues(value -> value instanceof Pointer pointer
                        && pointer.region() instanceof Value.Region.Memory memory
                        && memory.owner() == owner
                ? Value.Nothing.UNINITIALISED
                : value);
    }

    /** A write hits an object. */
    static void destroy(Step step, Reg base, Frame frame, int slot, Resident resident) {
        Site site = new Site(frame, slot + resident.part());
        switch (resident.thing()) {
            case Thing.Dynptr dynptr -> {
                if (dynptr.reference() != 0 && isOnlyOne(step.state, dynptr)) {
                    throw bad(base, "a dynptr that holds a record would be overwritten", "submit or discard it first");
                }
                remove(step, site, dynptr, DYNPTR_PARTS);
            }
            case Thing.Iterator iterator -> {
                for (int part = 0; part < iterator.parts(); part++) {
                    frame.setSlot(site.slotOf(part), StackSlot.NUMBERS);
                }
            }
        }
    }

    private static boolean isOnlyOne(AbstractState state, Thing.Dynptr dynptr) {
        int parts = 0;
        for (int depth = 0; depth < state.depth(); depth++) {
            Frame frame = state.frame(depth);
            for (int slot = 0; slot < frame.slotCount(); slot++) {
                if (frame.slot(slot).spilled() instanceof Resident(Thing.Dynptr other, var _)
                        && other.reference() == dynptr.reference()) {
                    parts++;
                }
            }
        }
        return parts <= DYNPTR_PARTS;
    }

    /** Whoever holds a reference that is given back is gone: dynptrs, and what was cut from them. */
    static void release(Step step, int reference) {
        AbstractState state = step.state;
        for (int depth = 0; depth < state.depth(); depth++) {
            Frame frame = state.frame(depth);
            for (int slot = 0; slot < frame.slotCount(); slot++) {
                if (frame.slot(slot).spilled() instanceof Resident(Thing.Dynptr dynptr, var part)
                        && dynptr.reference() == reference
                        && part == 0) {
                    remove(step, new Site(frame, slot), dynptr, DYNPTR_PARTS);
                }
            }
        }
    }

    /** A function returns: its dynptrs go, and what was cut from them. */
    static void leaving(AbstractState state) {
        Frame frame = state.top();
        for (int slot = 0; slot < frame.slotCount(); slot++) {
            if (frame.slot(slot).spilled() instanceof Resident(Thing.Dynptr dynptr, var _)) {
                forgetSlices(state, dynptr.id());
            }
        }
    }

    static Refused bad(Reg reg, String why, String suggestion) {
        return new Refused(Finding.of(Cause.BAD_STACK_OBJECT, reg, why, suggestion));
    }
}
