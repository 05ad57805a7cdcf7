package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.MapType;
import graft.ebpf.object.SpecialField;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import java.util.Optional;

/** Loads through pointers to structs of the kernel, by the kernel's BTF. */
final class KernelMemory {
    private KernelMemory() {}

    /** A pointer to a living object of a kernel type. */
    static Pointer trusted(Step step, String struct) {
        return Pointer.to(new Value.Region.Kernel(idOf(step, struct), struct, Trust.TRUSTED, 0));
    }

    /** The BTF id of a kernel struct, 0 when the kernel has none. */
    static int idOf(Step step, String struct) {
        return step.walk
                .setting()
                .kernelTypes()
                .map(types -> idOf(types, struct))
                .orElse(0);
    }

    static int idOf(Btf types, String struct) {
        return types.named(struct).stream()
                .filter(id -> types.type(id) instanceof BtfType.Composite)
                .findFirst()
                .orElse(0);
    }

    static Value load(Step step, Memory.Place place, Value.Region.Kernel kernel, int bytes) {
        requireKernel(step, place);
        return switch (walk(step, place, kernel.type(), bytes)) {
            case KernelWalk.Reached.Number _ -> Memory.unknown(bytes);
            case KernelWalk.Reached.Struct(var type, var name, var doubt) ->
                Pointer.to(new Value.Region.Kernel(type, name, trust(kernel, doubt), 0));
            case KernelWalk.Reached.Nothing(var why) -> throw refused(place, why);
        };
    }

    /** What a program in a process has for a struct of the kernel says which one it is, and leads nowhere. */
    static void requireKernel(Step step, Memory.Place place) {
        if (step.walk.setting().isForTarget()) {
            throw new Refused(
                    Finding.of(
                            Cause.UNSUPPORTED,
                            place.base(),
                            place.base() + " is " + place.pointer().region().noun()
                                    + ", which a program in a process cannot load from",
                            "read fields of tasks with bpf_probe_read_kernel or BPF_CORE_READ, or run the program in the kernel"));
        }
    }

    private static Trust trust(Value.Region.Kernel from, KernelWalk.Doubt doubt) {
        return doubt != KernelWalk.Doubt.NONE || from.trust() == Trust.UNTRUSTED ? Trust.UNTRUSTED : Trust.LEGACY;
    }

    private static KernelWalk.Reached walk(Step step, Memory.Place place, int type, int bytes) {
        Optional<Btf> types = step.walk.setting().kernelTypes();
        if (types.isEmpty() || type == 0) {
            throw refused(place, "the kernel's types are not known");
        }
        if (!place.offset().isConstant() || place.offset().constant() < 0) {
            throw refused(place, "the offset into the struct is not constant, or negative");
        }
        return new KernelWalk(types.get()).walk(type, place.offset().constant(), bytes);
    }

    /** A field of a map itself. */
    static Value loadMap(Step step, Memory.Place place, int bytes) {
        if (step.walk.setting().isForTarget()
                || !(place.pointer().region() instanceof Value.Region.MapObject(var map, var _))) {
            throw Memory.notMemory(place);
        }
        boolean array = map.type() == MapType.ARRAY || map.type() == MapType.PERCPU_ARRAY;
        boolean hash = map.type() == MapType.HASH || map.type() == MapType.LRU_HASH;
        String struct = array ? "bpf_array" : hash ? "bpf_htab" : "bpf_map";
        return switch (walk(step, place, idOf(step, struct), bytes)) {
            case KernelWalk.Reached.Number _ -> Memory.unknown(bytes);
            case KernelWalk.Reached.Struct(var type, var name, var _) ->
                Pointer.to(new Value.Region.Kernel(type, name, Trust.UNTRUSTED, 0));
            case KernelWalk.Reached.Nothing(var why) -> throw refused(place, why);
        };
    }

    /** A kernel pointer kept in a map value. */
    static Value loadStored(Step step, Memory.Place place, SpecialField field, int bytes) {
        boolean whole = place.offset().is(field.offset()) && bytes == Long.BYTES;
        if (!whole) {
            throw refused(place, "a kernel pointer in a map value is read in part");
        }
        Value.Region region = new Value.Region.Kernel(0, "kptr", Trust.UNTRUSTED, 0);
        return new Pointer(region, Scalar.ZERO, step.walk.origins().nextAt(step.slot));
    }

    /** A range that a helper reads: inside the struct. */
    static void readRange(Step step, Memory.Place place, Value.Region.Kernel kernel, long bytes) {
        requireKernel(step, place);
        long size = step.walk
                .setting()
                .kernelTypes()
                .map(types -> types.size(kernel.type()))
                .orElse(0L);
        step.require(new Obligation.InBounds(place.base(), kernel.noun(), place.offset(), bytes, size));
    }

    private static Refused refused(Memory.Place place, String why) {
        return new Refused(Finding.of(
                Cause.OUT_OF_BOUNDS,
                place.base(),
                place.base() + " is " + place.pointer().region().noun() + ": " + why,
                "read it with bpf_probe_read_kernel"));
    }
}
