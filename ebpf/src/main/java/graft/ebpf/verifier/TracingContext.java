package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.MapSpec;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import java.util.List;
import java.util.Optional;

/** The context of programs whose arguments are those of a kernel function or tracepoint, by BTF. */
final class TracingContext {
    private static final int SLOT = 8;

    private TracingContext() {}

    /** Whether the context is typed by what the program attaches to. */
    static boolean isTyped(Setting setting) {
        return setting.type() == KernelType.TRACING || setting.type() == KernelType.LSM;
    }

    static Value load(Step step, Memory.Place place, int bytes) {
        Setting setting = step.walk.setting();
        long offset = place.offset().constant();
        Optional<List<BtfType.Member>> arguments = arguments(setting);
        if (arguments.isEmpty()) {
            throw refused(
                    place, "the kernel has nothing called " + setting.section().target());
        }
        int index = (int) (offset / SLOT);
        if (offset < 0 || offset % SLOT != 0 || index >= arguments.get().size()) {
            throw refused(
                    place,
                    "%s has no argument at offset %d"
                            .formatted(setting.section().target(), offset));
        }
        return argument(step, place, arguments.get().get(index), bytes);
    }

    private static Value argument(Step step, Memory.Place place, BtfType.Member parameter, int bytes) {
        Setting setting = step.walk.setting();
        Btf types = setting.kernelTypes().orElseThrow();
        if (types.resolved(parameter.type()) instanceof BtfType.Pointer(var target)) {
            if (bytes != SLOT) {
                throw refused(place, "a pointer is read in part");
            }
            int struct = types.resolve(target);
            if (types.type(struct) instanceof BtfType.Composite composite
                    && !composite.name().isEmpty()) {
                Value.Region region = new Value.Region.Kernel(struct, composite.name(), trust(setting), 0);
                return mayBeNull(setting, parameter)
                        ? new Pointer(region, Scalar.ZERO, step.walk.origins().nextAt(step.slot))
                        : Pointer.to(region);
            }
        }
        return isBuffer(setting, parameter)
                ? new Pointer(
                        new Value.Region.Memory("a buffer", Obligation.OFFSET_LIMIT, MapSpec.Access.READ_ONLY, 0),
                        Scalar.ZERO,
                        step.walk.origins().nextAt(step.slot))
                : Memory.unknown(bytes);
    }

    private static boolean isBuffer(Setting setting, BtfType.Member parameter) {
        return setting.section().kind().equals("iter")
                && setting.kernelTypes().orElseThrow().resolved(parameter.type()) instanceof BtfType.Pointer;
    }

    private static boolean mayBeNull(Setting setting, BtfType.Member parameter) {
        return setting.section().kind().equals("iter") && !parameter.name().equals("meta");
    }

    private static Trust trust(Setting setting) {
        return switch (setting.section().kind()) {
            case "tp_btf", "iter", "lsm", "lsm_cgroup" -> Trust.TRUSTED;
            default -> Trust.LEGACY;
        };
    }

    /** The arguments, and for functions that are watched on return the result after them. */
    private static Optional<List<BtfType.Member>> arguments(Setting setting) {
        if (setting.kernelTypes().isEmpty()) {
            return Optional.empty();
        }
        Btf types = setting.kernelTypes().get();
        String target = setting.section().target();
        return switch (setting.section().kind()) {
            case "tp_btf" -> tracepoint(types, target);
            case "iter" -> function(types, "bpf_iter_" + target).map(BtfType.Prototype::parameters);
            case "lsm", "lsm_cgroup" -> function(types, "bpf_lsm_" + target).map(BtfType.Prototype::parameters);
            case "fexit", "fmod_ret" ->
                function(types, target).map(prototype -> {
                    List<BtfType.Member> all = new java.util.ArrayList<>(prototype.parameters());
                    all.add(new BtfType.Member("", prototype.result(), 0, 0));
                    return List.copyOf(all);
                });
            default -> function(types, target).map(BtfType.Prototype::parameters);
        };
    }

    private static Optional<List<BtfType.Member>> tracepoint(Btf types, String target) {
        for (int id : types.named("btf_trace_" + target)) {
            if (types.resolved(id) instanceof BtfType.Pointer(var pointee)
                    && types.resolved(pointee) instanceof BtfType.Prototype prototype) {
                return Optional.of(
                        prototype.parameters().subList(1, prototype.parameters().size()));
            }
        }
        return Optional.empty();
    }

    private static Optional<BtfType.Prototype> function(Btf types, String name) {
        for (int id : types.named(name)) {
            if (types.type(id) instanceof BtfType.Function function
                    && types.type(function.prototype()) instanceof BtfType.Prototype prototype) {
                return Optional.of(prototype);
            }
        }
        return Optional.empty();
    }

    private static Refused refused(Memory.Place place, String why) {
        return new Refused(
                Finding.of(Cause.OUT_OF_BOUNDS, place.base(), why, "look at the kernel's BTF for its arguments"));
    }
}
