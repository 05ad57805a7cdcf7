package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Computes what a CO-RE relocation means in the types of the running kernel. Follows the local access by names: a member
 * is looked for in the target type of the same name, through anonymous members as well.
 */
final class CoreRelocator {
    private static final int MAX_DEPTH = 16;
    private static final int MAX_PARTS = 64;

    private final Btf local;
    private final Btf target;

    CoreRelocator(Btf local, Btf target) {
        this.local = local;
        this.target = target;
    }

    /** Where an access ends: bits from the start of the root type, the member's type, and its bits if a bit field. */
    private record Found(long bits, int type, int bitSize) {}

    /** The value to patch in, or nothing when the kernel has no such thing. */
    OptionalLong value(BtfExt.Core core) {
        return switch (core.kind()) {
            case 0, 1, 2, 3, 4, 5 -> field(core);
            case 6 -> OptionalLong.of(core.type());
            case 7, 8, 9, 12 -> type(core);
            case 10, 11 -> enumeration(core);
            default -> OptionalLong.empty();
        };
    }

    private OptionalLong field(BtfExt.Core core) {
        Optional<Found> found = candidates(core.type()).stream()
                .map(candidate -> follow(core, candidate))
                .flatMap(Optional::stream)
                .findFirst();
        if (found.isEmpty()) {
            return core.kind() == 2 ? OptionalLong.of(0) : OptionalLong.empty();
        }
        Found f = found.get();
        long size = Math.max(1, target.size(f.type));
        long start = f.bits / 8;
        if (f.bitSize > 0) {
            start = f.bits / 8 / size * size;
            while (f.bits + f.bitSize - start * 8 > size * 8 && size < 8) {
                size *= 2;
                start = f.bits / 8 / size * size;
            }
        }
        long bits = f.bitSize > 0 ? f.bitSize : size * 8;
        return OptionalLong.of(
                switch (core.kind()) {
                    case 0 -> start;
                    case 1 -> size;
                    case 2 -> 1;
                    case 3 -> isSigned(f.type) ? 1 : 0;
                    case 4 -> 64 - (f.bits + bits - start * 8);
                    default -> 64 - bits;
                });
    }

    private boolean isSigned(int type) {
        return switch (target.resolved(type)) {
            case BtfType.Int t -> t.isSigned();
            case BtfType.Enumeration t -> t.isSigned();
            default -> false;
        };
    }

    private Optional<Found> follow(BtfExt.Core core, int candidate) {
        List<Integer> access = access(core);
        long first = (long) access.getFirst() * target.size(candidate) * 8;
        Found at = new Found(first, candidate, 0);
        int localType = core.type();
        for (int index : access.subList(1, access.size())) {
            switch (local.resolved(localType)) {
                case BtfType.Composite composite -> {
                    if (index >= composite.members().size()) {
                        throw bad("member %d of %s".formatted(index, composite.name()));
                    }
                    BtfType.Member member = composite.members().get(index);
                    localType = member.type();
                    Optional<Found> next =
                            member.name().isEmpty() ? Optional.of(at) : member(at, member.name(), MAX_DEPTH);
                    if (next.isEmpty()) {
                        return Optional.empty();
                    }
                    at = next.get();
                }
                case BtfType.Array array -> {
                    localType = array.element();
                    if (!(target.resolved(at.type) instanceof BtfType.Array wanted)) {
                        return Optional.empty();
                    }
                    at = new Found(at.bits + target.size(wanted.element()) * 8 * index, wanted.element(), 0);
                }
                default -> throw bad("an access into something that has no parts");
            }
        }
        return Optional.of(at);
    }

    private Optional<Found> member(Found at, String name, int depth) {
        if (depth == 0 || !(target.resolved(at.type) instanceof BtfType.Composite composite)) {
            return Optional.empty();
        }
        for (BtfType.Member member : composite.members()) {
            Found here = new Found(at.bits + member.bitOffset(), member.type(), member.bitSize());
            if (member.name().equals(name)) {
                return Optional.of(here);
            }
            Optional<Found> inside = member.name().isEmpty() ? member(here, name, depth - 1) : Optional.empty();
            if (inside.isPresent()) {
                return inside;
            }
        }
        return Optional.empty();
    }

    private OptionalLong type(BtfExt.Core core) {
        Optional<Integer> found = candidates(core.type()).stream().findFirst();
        if (core.kind() == 8 || core.kind() == 12) {
            return OptionalLong.of(found.isPresent() ? 1 : 0);
        }
        return found.map(id -> OptionalLong.of(core.kind() == 7 ? id : target.size(id)))
                .orElse(OptionalLong.empty());
    }

    private OptionalLong enumeration(BtfExt.Core core) {
        if (!(local.resolved(core.type()) instanceof BtfType.Enumeration wanted)) {
            throw bad("not an enumeration");
        }
        int index = access(core).getFirst();
        if (index >= wanted.values().size()) {
            throw bad("value %d of an enumeration of %d"
                    .formatted(index, wanted.values().size()));
        }
        String name = essential(wanted.values().get(index).name());
        for (int id : candidates(core.type())) {
            if (target.resolved(id) instanceof BtfType.Enumeration type) {
                for (BtfType.Value value : type.values()) {
                    if (value.name().equals(name)) {
                        return OptionalLong.of(core.kind() == 10 ? 1 : value.value());
                    }
                }
            }
        }
        return core.kind() == 10 ? OptionalLong.of(0) : OptionalLong.empty();
    }

    /** Types of the kernel with the same name, without flavour, and of the same sort. */
    private List<Integer> candidates(int type) {
        BtfType wanted = local.type(type);
        List<Integer> found = new ArrayList<>();
        for (int id : target.named(essential(wanted.typeName()))) {
            if (target.type(id).getClass() == wanted.getClass()) {
                found.add(id);
            }
        }
        return found;
    }

    /** {@code task_struct___old} means {@code task_struct}. */
    private static String essential(String name) {
        int flavour = name.lastIndexOf("___");
        return flavour > 0 ? name.substring(0, flavour) : name;
    }

    private static List<Integer> access(BtfExt.Core core) {
        List<Integer> parts = new ArrayList<>();
        for (String part : core.access().split(":")) {
            if (!part.matches("[0-9]{1,6}") || parts.size() == MAX_PARTS) {
                throw bad("access \"%s\"".formatted(core.access()));
            }
            parts.add(Integer.parseInt(part));
        }
        return parts;
    }

    private static RefusedException bad(String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_BTF, ".BTF.ext", "bad CO-RE record: " + why, "compile the object again");
    }
}
