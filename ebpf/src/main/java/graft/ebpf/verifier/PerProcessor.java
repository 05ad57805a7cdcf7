package graft.ebpf.verifier;

/** Values that every processor has its own of: which instructions work on them, for the compiler. */
final class PerProcessor {
    private PerProcessor() {}

    static void noteAccess(Step step, Memory.Place place, int bytes) {
        if (place.pointer().region() instanceof Value.Region.MapValue(var map, var _)
                && map.type().isPerProcessor()) {
            step.walk.notes().onOwnValue(step.slot);
        }
        if (!place.offset().isMultipleOf(bytes)) {
            step.walk.notes().unaligned(step.slot);
        }
    }
}
