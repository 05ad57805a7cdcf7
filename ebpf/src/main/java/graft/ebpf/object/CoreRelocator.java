package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.CoreValue.Known;
import graft.ebpf.object.CoreValue.Width;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Computes what CO-RE relocations mean in the types of a target, as libbpf does: candidates are the target's types of the
 * same name and kind; those that have what is asked for must agree. The first target that has a candidate is asked.
 */
final class CoreRelocator {
    private final Btf local;
    private final List<Btf> targets;
    private final Supplier<List<Btf>> modules;
    private final CoreEffort effort = new CoreEffort();

    /**
     * @param targets types of the traced programs, then of the kernel
     * @param modules types of the kernel's modules, asked for only when no other target has a candidate
     */
    CoreRelocator(Btf local, List<Btf> targets, Supplier<List<Btf>> modules) {
        this.local = local;
        this.targets = List.copyOf(targets);
        this.modules = modules;
    }

    /** The value to patch in, or why there is none. */
    CoreValue value(BtfExt.Core core) {
        if (targets.isEmpty() && core.kind() != 6) {
            return new CoreValue.Unknown("the kernel's types are not available");
        }
        return switch (core.kind()) {
            case 0, 1, 2, 3, 4, 5 -> field(core);
            case 6 -> number(core.type(), OptionalLong.of(core.type()));
            case 7, 8, 9, 12 -> type(core);
            case 10, 11 -> enumeration(core);
            default -> new CoreValue.Unknown("CO-RE records of kind %d are not known".formatted(core.kind()));
        };
    }

    private static CoreValue number(long value, OptionalLong expected) {
        return new Known(value, expected, Width.UNIMPORTANT);
    }

    private record Candidate(Btf types, int id) {}

    /** Types of the same name, without flavour, and of the same sort. */
    private List<Candidate> candidates(int type) {
        BtfType wanted = local.type(type);
        String name = CoreTypes.essential(wanted.typeName());
        if (name.isEmpty()) {
            return List.of();
        }
        List<Candidate> found = candidates(targets, name, wanted);
        return found.isEmpty() ? candidates(modules.get(), name, wanted) : found;
    }

    private List<Candidate> candidates(List<Btf> types, String name, BtfType wanted) {
        for (Btf target : types) {
            List<Candidate> found = new ArrayList<>();
            for (int id : target.named(name)) {
                effort.step();
                if (CoreTypes.sameKind(wanted, target.type(id))) {
                    found.add(new Candidate(target, id));
                }
            }
            if (!found.isEmpty()) {
                return found;
            }
        }
        return List.of();
    }

    /** The one answer of all candidates that have one. */
    private CoreValue agreed(BtfExt.Core core, List<CoreValue> answers, CoreValue otherwise) {
        Set<CoreValue> different = new HashSet<>(answers);
        return switch (different.size()) {
            case 0 -> otherwise;
            case 1 -> answers.getFirst();
            default -> new CoreValue.Unknown("several types named %s differ in it".formatted(name(core)));
        };
    }

    private String name(BtfExt.Core core) {
        return CoreTypes.essential(local.type(core.type()).typeName());
    }

    private CoreValue absent(BtfExt.Core core) {
        return new CoreValue.Unknown("%s has no such member or value, or does not exist (access %s)"
                .formatted(name(core).isEmpty() ? "a type without a name" : name(core), core.access()));
    }

    private CoreValue field(BtfExt.Core core) {
        CorePath path = CorePath.local(local, core.type(), core.access());
        List<CorePath> found = candidates(core.type()).stream()
                .map(candidate -> path.in(candidate.types, candidate.id, effort))
                .flatMap(Optional::stream)
                .toList();
        if (core.kind() == 2) {
            return number(found.isEmpty() ? 0 : 1, OptionalLong.of(1));
        }
        if (found.stream().map(CorePath::bits).distinct().count() > 1) {
            return new CoreValue.Unknown("several types named %s have it at different offsets".formatted(name(core)));
        }
        List<CoreValue> answers =
                found.stream().map(there -> field(core.kind(), path, there)).toList();
        return agreed(core, answers, absent(core));
    }

    private static CoreValue field(int kind, CorePath here, CorePath there) {
        FieldPlace before = FieldPlace.of(here);
        FieldPlace after = FieldPlace.of(there);
        boolean certain = !before.isBitField() || kind == 3;
        OptionalLong expected = certain ? OptionalLong.of(before.aspect(kind)) : OptionalLong.empty();
        Width width =
                kind == 0 && !after.isBitField() && !before.isBitField() ? before.widthIn(after) : Width.UNIMPORTANT;
        return new Known(after.aspect(kind), expected, width);
    }

    /** A type that does not exist has size and id 0. */
    private CoreValue type(BtfExt.Core core) {
        List<CoreValue> answers = new ArrayList<>();
        for (Candidate candidate : candidates(core.type())) {
            CoreTypes types = new CoreTypes(local, candidate.types, effort);
            boolean fits = core.kind() == 12
                    ? types.match(core.type(), candidate.id)
                    : types.mayBeSame(core.type(), candidate.id);
            if (fits) {
                answers.add(
                        switch (core.kind()) {
                            case 7 -> number(candidate.id, OptionalLong.empty());
                            case 9 -> number(candidate.types.size(candidate.id), size(core));
                            default -> number(1, OptionalLong.of(1));
                        });
            }
        }
        return agreed(core, answers, number(0, OptionalLong.empty()));
    }

    private OptionalLong size(BtfExt.Core core) {
        return OptionalLong.of(local.size(core.type()));
    }

    private CoreValue enumeration(BtfExt.Core core) {
        if (!(local.resolved(core.type()) instanceof BtfType.Enumeration wanted)) {
            throw bad("not an enumeration");
        }
        int index = CorePath.parts(core.access()).getFirst();
        if (index >= wanted.values().size()) {
            throw bad("value %d of an enumeration of %d"
                    .formatted(index, wanted.values().size()));
        }
        String name = CoreTypes.essential(wanted.values().get(index).name());
        List<CoreValue> answers = new ArrayList<>();
        for (Candidate candidate : candidates(core.type())) {
            value(candidate, name)
                    .ifPresent(value -> answers.add(number(
                            core.kind() == 10 ? 1 : value,
                            OptionalLong.of(
                                    core.kind() == 10
                                            ? 1
                                            : wanted.values().get(index).value()))));
        }
        return agreed(core, answers, core.kind() == 10 ? number(0, OptionalLong.empty()) : absent(core));
    }

    private OptionalLong value(Candidate candidate, String name) {
        if (candidate.types.resolved(candidate.id) instanceof BtfType.Enumeration type) {
            for (BtfType.Value value : type.values()) {
                effort.step();
                if (CoreTypes.essential(value.name()).equals(name)) {
                    return OptionalLong.of(value.value());
                }
            }
        }
        return OptionalLong.empty();
    }

    private static RefusedException bad(String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_BTF, ".BTF.ext", "bad CO-RE record: " + why, "compile the object again");
    }
}
