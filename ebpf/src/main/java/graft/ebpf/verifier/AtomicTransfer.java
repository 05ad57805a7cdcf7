package graft.ebpf.verifier;

import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;

/** Atomic accesses: numbers only, aligned, in stack, map values and records. */
final class AtomicTransfer {
    static final Transfer<Insn.Atomic> READ_MODIFY_WRITE = AtomicTransfer::readModifyWrite;
    static final Transfer<Insn.LoadAcquire> LOAD_ACQUIRE = AtomicTransfer::loadAcquire;
    static final Transfer<Insn.StoreRelease> STORE_RELEASE = AtomicTransfer::storeRelease;

    private static final String NUMBERS_ONLY = "and atomic operations take numbers only";

    private AtomicTransfer() {}

    private static void readModifyWrite(Insn.Atomic insn, Step step) {
        operand(insn.src(), step);
        if (insn.op() == AtomicOp.CMPXCHG) {
            operand(Reg.R0, step);
        }
        int bytes = insn.size().bytes();
        if (bytes < 4) {
            throw new Refused(Finding.of(
                    Cause.BAD_INSTRUCTION, insn.base(), "there are no atomic operations on " + bytes + " bytes", ""));
        }
        Memory.Place place = place(step, insn.base(), insn.offset(), bytes);
        Arenas.requireAtomic(insn, place);
        Value before = Memory.load(step, place, bytes);
        if (step.walk.setting().isForTarget()) {
            requireNumber(place, before);
        }
        Memory.store(step, place, bytes, Scalar.UNKNOWN);
        if (insn.op() == AtomicOp.CMPXCHG) {
            step.write(Reg.R0, fetched(place, bytes));
        } else if (insn.op() == AtomicOp.XCHG || insn.fetch() == Fetch.OLD_VALUE) {
            step.write(insn.src(), fetched(place, bytes));
        }
    }

    /** Outside of an arena nothing is fetched: the register keeps all of what it had, its upper half too. */
    private static Scalar fetched(Memory.Place place, int bytes) {
        return Arenas.isAddress(place.pointer()) ? Scalar.UNKNOWN : Memory.unknown(bytes);
    }

    private static void operand(Reg reg, Step step) {
        if (step.walk.setting().isForTarget()) {
            step.number(reg, Cause.POINTER_LEAK, NUMBERS_ONLY);
        } else {
            step.read(reg);
        }
    }

    private static void loadAcquire(Insn.LoadAcquire insn, Step step) {
        int bytes = insn.size().bytes();
        step.write(insn.dst(), Memory.load(step, place(step, insn.base(), insn.offset(), bytes), bytes));
    }

    private static void storeRelease(Insn.StoreRelease insn, Step step) {
        int bytes = insn.size().bytes();
        Value value = step.read(insn.src());
        Memory.store(step, place(step, insn.base(), insn.offset(), bytes), bytes, value);
    }

    private static Memory.Place place(Step step, Reg base, int offset, int bytes) {
        Memory.Place place = Memory.Place.of(step, base, offset);
        if (place.pointer().region() == Value.Region.Context.CONTEXT) {
            throw new Refused(Finding.of(
                    Cause.READ_ONLY, base, "the context cannot be accessed atomically", "read it with a plain load"));
        }
        Arenas.noteAccess(step, place);
        if (!Arenas.isAddress(place.pointer())) {
            step.require(new Obligation.Aligned(base, place.offset(), bytes));
        }
        return place;
    }

    private static void requireNumber(Memory.Place place, Value value) {
        if (!(value instanceof Scalar)) {
            throw new Refused(Finding.of(
                    Cause.POINTER_LEAK, place.base(), "the memory holds a saved pointer, " + NUMBERS_ONLY, ""));
        }
    }
}
