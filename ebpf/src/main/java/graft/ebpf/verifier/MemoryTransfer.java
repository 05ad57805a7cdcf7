package graft.ebpf.verifier;

import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Operand;

/** Plain loads and stores. */
final class MemoryTransfer {
    static final Transfer<Insn.Load> LOAD = MemoryTransfer::load;
    static final Transfer<Insn.Store> STORE = MemoryTransfer::store;

    private MemoryTransfer() {}

    private static void load(Insn.Load insn, Step step) {
        int bytes = insn.size().bytes();
        Memory.Place place = Memory.Place.of(step, insn.base(), insn.offset());
        Arenas.noteAccess(step, place);
        PerProcessor.noteAccess(step, place, bytes);
        Value value = Memory.load(step, place, bytes);
        if (insn.extension() == Extension.SIGN && value instanceof Scalar scalar) {
            Scalar extended = scalar.signExtended(8 * bytes);
            value = extended == scalar ? scalar : extended.withId(Scalar.NO_ID);
        }
        if (insn.extension() == Extension.SIGN && value instanceof Pointer) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS, insn.base(), "a pointer is loaded with its sign extended", "load it whole"));
        }
        step.write(insn.dst(), value);
    }

    private static void store(Insn.Store insn, Step step) {
        Value value = insn.value() instanceof Operand.Src(var reg) ? step.linked(reg) : step.read(insn.value());
        Memory.Place place = Memory.Place.of(step, insn.base(), insn.offset());
        Arenas.noteAccess(step, place);
        PerProcessor.noteAccess(step, place, insn.size().bytes());
        Memory.store(step, place, insn.size().bytes(), value);
    }
}
