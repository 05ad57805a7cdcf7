package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.object.CoreValue.Known;
import graft.ebpf.object.CoreValue.Width;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Computes what CO-RE relocations mean in the types of a target, as libbpf does: candidates are the target's types of the
 * same name and kind; those that have what is asked for must agree. The first target that has a candidate is asked.
 */
final class CoreRelocator {
    private final Btf local;
    private final List<Btf> targets;
    private final Supplier<List<Btf>> modules;
    private final Map<Integer, List<Candidate>> matched = new HashMap<>();
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

    /** Types of the same name, without flavour, and of the same sort; once some had what was asked, only those. */
    private List<Candidate> candidates(int type) {
        List<Candidate> known = matched.get(type);
        if (known != null) {
            return known;
        }
        BtfType wanted = local.type(type);
        String name = Btf.essential(wanted.typeName());
        if (name.isEmpty()) {
            return List.of();
        }
        List<Candidate> found = candidates(targets, name, wanted);
        return found.isEmpty() ? candidates(modules.get(), name, wanted) : found;
    }

    private List<Candidate> candidates(List<Btf> types, String name, BtfType wanted) {
        for (Btf target : types) {
            List<Candidate> found = new ArrayList<>();
            for (int id : target.flavours(name)) {
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

    /** What one candidate says; {@code bits} is where the field is. */
    private record Answer(long bits, CoreValue value) {}

    /** The one answer of all candidates that have one. */
    private CoreValue agreed(BtfExt.Core core, Function<Candidate, Optional<Answer>> ask, CoreValue otherwise) {
        List<Candidate> having = new ArrayList<>();
        Set<Answer> answers = new HashSet<>();
        for (Candidate candidate : candidates(core.type())) {
            ask.apply(candidate).ifPresent(answer -> {
                having.add(candidate);
                answers.add(answer);
            });
        }
        if (answers.isEmpty()) {
            return otherwise;
        }
        matched.put(core.type(), having);
        return answers.size() == 1
                ? answers.iterator().next().value
                : new CoreValue.Unknown("several types named %s differ in it".formatted(name(core)));
    }

    private String name(BtfExt.Core core) {
        return Btf.essential(local.type(core.type()).typeName());
    }

    private static CoreValue absent(String what) {
        return new CoreValue.Unknown("neither the kernel nor the traced program has " + what);
    }

    private CoreValue field(BtfExt.Core core) {
        CorePath path = CorePath.local(local, core.type(), core.access());
        return agreed(
                core,
                candidate -> path.in(candidate.types, candidate.id, effort)
                        .map(there -> new Answer(there.bits(), field(core.kind(), path, there))),
                core.kind() == 2 ? number(0, OptionalLong.of(1)) : absent(path.text()));
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
        return agreed(core, candidate -> type(core, candidate), number(0, OptionalLong.empty()));
    }

    private Optional<Answer> type(BtfExt.Core core, Candidate candidate) {
        CoreTypes types = new CoreTypes(local, candidate.types, effort);
        boolean fits =
                core.kind() == 12 ? types.match(core.type(), candidate.id) : types.mayBeSame(core.type(), candidate.id);
        return fits
                ? Optional.of(new Answer(
                        0,
                        switch (core.kind()) {
                            case 7 -> number(candidate.id, OptionalLong.empty());
                            case 9 -> number(candidate.types.size(candidate.id), size(core));
                            default -> number(1, OptionalLong.of(1));
                        }))
                : Optional.empty();
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
        BtfType.Value before = wanted.values().get(index);
        String name = Btf.essential(before.name());
        boolean exists = core.kind() == 10;
        return agreed(
                core,
                candidate -> value(candidate, name)
                        .map(after -> new Answer(
                                0,
                                exists
                                        ? number(1, OptionalLong.of(1))
                                        : number(after, OptionalLong.of(before.value())))),
                exists ? number(0, OptionalLong.empty()) : absent(name(core) + "." + before.name()));
    }

    private Optional<Long> value(Candidate candidate, String name) {
        if (candidate.types.resolved(candidate.id) instanceof BtfType.Enumeration type) {
            for (BtfType.Value value : type.values()) {
                effort.step();
                if (Btf.essential(value.name()).equals(name)) {
                    return Optional.of(value.value());
                }
            }
        }
        return Optional.empty();
    }

    private static RefusedException bad(String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_BTF, ".BTF.ext", "bad CO-RE record: " + why, "compile the object again");
    }
}
