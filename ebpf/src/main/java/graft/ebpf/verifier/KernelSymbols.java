package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.MapSpec;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import java.util.Optional;

/** Variables of the kernel ({@code .ksyms}). */
final class KernelSymbols {
    private static final String PER_CPU = ".data..percpu";

    private KernelSymbols() {}

    static Value load(Step step, String name) {
        if (step.walk.setting().isForTarget()) {
            throw new Refused(Finding.of(
                    Cause.UNSUPPORTED, "there is no kernel symbol " + name + " here", "run the program in the kernel"));
        }
        Optional<Btf> types = step.walk.setting().kernelTypes();
        if (types.isEmpty()) {
            return Scalar.UNKNOWN;
        }
        for (int id : types.get().named(name)) {
            if (types.get().type(id) instanceof BtfType.Variable variable) {
                return Pointer.to(region(types.get(), id, variable));
            }
        }
        return Scalar.UNKNOWN;
    }

    private static Value.Region region(Btf types, int id, BtfType.Variable variable) {
        int type = types.resolve(variable.type());
        Value.Region whole = types.type(type) instanceof BtfType.Composite composite
                ? new Value.Region.Kernel(type, composite.name(), Trust.LEGACY, 0)
                : new Value.Region.Memory(
                        "the variable " + variable.name(), types.size(type), MapSpec.Access.READ_ONLY, 0);
        boolean perCpu = types.named(PER_CPU).stream()
                .map(types::type)
                .anyMatch(section -> section instanceof BtfType.DataSection data
                        && data.places().stream().anyMatch(place -> place.variable() == id));
        return perCpu ? new Value.Region.PerCpu(variable.name(), whole) : whole;
    }
}
