package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Reg;
import graft.ebpf.object.KernelSection;
import graft.ebpf.object.KernelType;
import graft.ebpf.object.MapSpec;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import graft.ebpf.verifier.Value.Resident.Source;
import graft.ebpf.verifier.Value.Resident.Thing;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Calls of kernel functions by name: {@code kfuncs.table} says which, the kernel's BTF what they take. */
final class KernelFunctions {
    static final Transfer<Insn.CallKernelFunction> CALL = KernelFunctions::call;
    private static final Map<String, Row> ROWS = read();

    private KernelFunctions() {}

    private record Row(Set<String> properties, Set<KernelType> types) {
        boolean is(String property) {
            return properties.contains(property);
        }
    }

    private static Map<String, Row> read() {
        Map<String, Row> rows = new HashMap<>();
        for (String line : Prototypes.text("kfuncs.table").lines().toList()) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] words = line.split(" ");
                Set<KernelType> types = words[2].equals("*") ? Set.of(KernelType.values()) : Prototypes.types(words[2]);
                rows.put(words[0], new Row(Set.of(words[1].split(",")), types));
            }
        }
        return Map.copyOf(rows);
    }

    private static void call(Insn.CallKernelFunction insn, Step step) {
        LockRules.requireNone(step.state, "functions cannot be called while a spin lock is held");
        Setting setting = step.walk.setting();
        Optional<Helper> offered = Helper.function(insn.name());
        if (Iterators.isIterator(insn.name()) && (offered.isPresent() || !setting.isForTarget())) {
            offered.ifPresent(step.walk.notes()::called);
            Iterators.call(insn.name(), step);
            return;
        }
        if (offered.isPresent()) {
            HelperTransfer.function(offered.get(), step);
            return;
        }
        Row row = ROWS.get(insn.name());
        if (setting.isForTarget() || row == null || !row.types().contains(setting.type())) {
            throw refused("kernel function " + insn.name() + " does not exist "
                    + (setting.isForTarget() ? "in user space" : "for programs of this type"));
        }
        if (row.is("sleeps") && setting.section().sleep() == KernelSection.Sleep.NEVER) {
            throw refused(insn.name() + " may sleep, and the program may not");
        }
        Value result = new Call(step, insn.name(), row, prototype(setting, insn.name())).run();
        FrameTransfer.forgetArguments(step);
        step.state.set(Reg.R0, result);
    }

    private static BtfType.Prototype prototype(Setting setting, String name) {
        Btf types = setting.kernelTypes().orElseThrow(() -> refused("the kernel's types are not known"));
        for (int id : types.named(name)) {
            if (types.type(id) instanceof BtfType.Function function
                    && types.type(function.prototype()) instanceof BtfType.Prototype prototype) {
                return prototype;
            }
        }
        throw refused("this kernel has no function " + name);
    }

    private static Refused refused(String why) {
        return new Refused(Finding.of(Cause.KERNEL_FUNCTION, why, "use a helper, or run the program in the kernel"));
    }

    /** One call. */
    private record Call(Step step, String name, Row row, BtfType.Prototype prototype) {
        Value run() {
            switch (name) {
                case "bpf_rcu_read_lock" -> step.state.readLocks(step.state.readLocks() + 1);
                case "bpf_rcu_read_unlock" -> step.state.readLocks(less(step.state.readLocks()));
                case "bpf_preempt_disable" -> step.state.preemptLocks(step.state.preemptLocks() + 1);
                case "bpf_preempt_enable" -> step.state.preemptLocks(less(step.state.preemptLocks()));
                default -> {}
            }
            Scalar typeId = Scalar.UNKNOWN;
            List<BtfType.Member> parameters = prototype.parameters();
            for (int index = 0; index < parameters.size(); index++) {
                Reg reg = Reg.of(index + 1);
                argument(reg, parameters.get(index));
                if (parameters.get(index).name().endsWith("__k")) {
                    typeId = (Scalar) step.read(reg);
                    typeId.mustBePrecise();
                }
            }
            return result(typeId);
        }

        private int less(int count) {
            if (count == 0) {
                throw refused(name + " without the lock being held");
            }
            return count - 1;
        }

        private Btf types() {
            return step.walk.setting().kernelTypes().orElseThrow();
        }

        private void argument(Reg reg, BtfType.Member parameter) {
            Value value = step.read(reg);
            if (!(types().resolved(parameter.type()) instanceof BtfType.Pointer(var target))) {
                if (!(value instanceof Scalar)) {
                    throw bad(reg, "a number");
                }
                return;
            }
            if (parameter.name().endsWith("__map")) {
                boolean map = value instanceof Pointer pointer && isMap(pointer.region()) && !pointer.mayBeNull();
                if (!map) {
                    throw bad(reg, "a map");
                }
                return;
            }
            String struct = types().resolved(target).typeName();
            boolean any = parameter.name().endsWith("__ign") || name.equals("bpf_cast_to_kern_ctx");
            if (any) {
                return;
            }
            if (struct.startsWith("bpf_dynptr")) {
                dynptr(reg, parameter);
            } else if (isContext(value)) {
                requireContext(reg, struct);
            } else {
                object(reg, value, struct, parameter);
            }
        }

        /** A map of the program, or one that an iterator over maps shows. */
        private static boolean isMap(Value.Region region) {
            return region instanceof Value.Region.MapObject
                    || region instanceof Value.Region.Kernel kernel
                            && kernel.name().equals("bpf_map")
                            && kernel.trust() == Trust.TRUSTED;
        }

        private boolean isContext(Value value) {
            return value instanceof Pointer pointer && pointer.region() == Value.Region.Context.CONTEXT;
        }

        private void requireContext(Reg reg, String struct) {
            boolean known = struct.startsWith("__sk_buff") || struct.startsWith("xdp_md");
            if (!known) {
                throw bad(reg, "struct " + struct);
            }
        }

        private void dynptr(Reg reg, BtfType.Member parameter) {
            if (step.read(reg) instanceof Pointer pointer && pointer.region() instanceof Value.Region.StackObject) {
                return;
            }
            StackObjects.Site site = StackObjects.site(step, reg, StackObjects.DYNPTR_PARTS);
            if (!parameter.name().endsWith("__uninit")) {
                if (!(StackObjects.at(step, site, reg) instanceof Thing.Dynptr)) {
                    throw bad(reg, "a dynptr");
                }
                return;
            }
            Source source = name.endsWith("xdp") ? Source.XDP : Source.SKB;
            MapSpec.Access access = step.walk.setting().mayWritePackets() || source == Source.XDP
                    ? MapSpec.Access.READ_WRITE
                    : MapSpec.Access.READ_ONLY;
            Thing made = new Thing.Dynptr(source, step.walk.origins().nextAt(step.slot), 0, access);
            StackObjects.put(step, reg, site, made, StackObjects.DYNPTR_PARTS);
        }

        private void object(Reg reg, Value value, String struct, BtfType.Member parameter) {
            boolean nullable =
                    parameter.name().endsWith("__nullable") || parameter.name().endsWith("__opt");
            if (nullable && value instanceof Scalar zero && zero.is(0)) {
                return;
            }
            if (!(value instanceof Pointer pointer)
                    || pointer.mayBeNull() && !nullable
                    || !(pointer.region() instanceof Value.Region.Kernel kernel)
                    || kernel.trust() == Trust.UNTRUSTED
                    || kernel.trust() == Trust.LEGACY) {
                throw bad(reg, "a trusted pointer to struct " + struct);
            }
            String own = kernel.name().replaceAll("___.*", "");
            boolean fits = own.equals(struct)
                    || pointer.offset().isConstant()
                            && new KernelWalk(types())
                                    .holds(kernel.type(), pointer.offset().constant(), struct);
            if (!fits) {
                throw bad(reg, "a trusted pointer to struct " + struct);
            }
            if (row.is("release") && reg == Reg.R1) {
                if (kernel.reference() == 0 || !step.state.release(kernel.reference())) {
                    throw bad(reg, "an object that is held");
                }
                References.forget(step, kernel.reference());
            }
        }

        private Value result(Scalar typeId) {
            if (name.equals("bpf_cast_to_kern_ctx")) {
                return Pointer.to(new Value.Region.Kernel(0, "context", Trust.TRUSTED, 0));
            }
            if (name.equals("bpf_rdonly_cast")) {
                return cast(typeId);
            }
            return switch (types().resolved(prototype.result())) {
                case BtfType.Pointer(var target)
                when types().resolved(target) instanceof BtfType.Void -> Scalar.UNKNOWN;
                case BtfType.Pointer(var target) -> object(types().resolve(target));
                case BtfType.Void _ -> Value.Nothing.UNINITIALISED;
                default -> Scalar.UNKNOWN;
            };
        }

        private Value cast(Scalar typeId) {
            int id = (int) typeId.constant();
            boolean struct = id > 0 && id < types().count() && types().type(id) instanceof BtfType.Composite;
            return Pointer.to(
                    struct
                            ? new Value.Region.Kernel(id, types().type(id).typeName(), Trust.UNTRUSTED, 0)
                            : new Value.Region.Memory(
                                    "any memory", Obligation.OFFSET_LIMIT, MapSpec.Access.READ_ONLY, 0));
        }

        private Value object(int struct) {
            int id = row.is("acquire") || row.is("null") ? step.walk.origins().nextAt(step.slot) : 0;
            if (row.is("acquire")) {
                step.state.acquire(id);
            }
            Value.Region region = new Value.Region.Kernel(
                    struct, types().type(struct).typeName(), Trust.TRUSTED, row.is("acquire") ? id : 0);
            return new Pointer(region, Scalar.ZERO, row.is("null") ? id : Pointer.NEVER_NULL);
        }

        private Refused bad(Reg reg, String wanted) {
            return new Refused(
                    Finding.of(Cause.BAD_ARGUMENT, reg, name + " takes " + wanted + " in " + reg, "pass " + wanted));
        }
    }
}
