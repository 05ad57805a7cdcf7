package graft.ebpf.verifier;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;

/** Finds what lies at an offset of a struct of the kernel. */
final class KernelWalk {
    private static final int MAX_DEPTH = 16;

    private final Btf types;

    KernelWalk(Btf types) {
        this.types = types;
    }

    /** What an access of a struct reaches. */
    sealed interface Reached {
        /** A number. */
        record Number() implements Reached {}

        /** A pointer to a struct; {@code trusting} is false when a union or a tag makes it doubtful. */
        record Struct(int type, String name, Doubt doubt) implements Reached {}

        /** Nothing that can be read this way. */
        record Nothing(String why) implements Reached {}
    }

    /** Whether a pointer that was found may be relied on. */
    enum Doubt {
        NONE,
        /** Members of a union may hold something else. */
        UNION,
        /** A user-space or per-CPU address. */
        FOREIGN
    }

    Reached walk(int struct, long offset, int bytes) {
        return walk(struct, offset, bytes, Doubt.NONE, MAX_DEPTH);
    }

    /** Whether a struct of a name begins at an offset of another. */
    boolean holds(int struct, long offset, String wanted) {
        return holds(struct, offset, wanted, MAX_DEPTH);
    }

    private boolean holds(int id, long offset, String wanted, int depth) {
        if (depth == 0 || !(types.resolved(id) instanceof BtfType.Composite composite)) {
            return false;
        }
        if (offset == 0 && composite.name().equals(wanted)) {
            return true;
        }
        for (BtfType.Member member : composite.members()) {
            long from = member.bitOffset() / 8;
            if (member.bitSize() == 0 && offset >= from && offset < from + types.size(member.type())) {
                return holds(member.type(), offset - from, wanted, depth - 1);
            }
        }
        return false;
    }

    private Reached walk(int id, long offset, int bytes, Doubt doubt, int depth) {
        if (depth == 0 || !(types.resolved(id) instanceof BtfType.Composite composite)) {
            return new Reached.Nothing("it is no struct");
        }
        boolean union = composite.kind() == BtfType.Composite.Kind.UNION
                && composite.members().size() != 1;
        Doubt here = union ? Doubt.UNION : doubt;
        for (BtfType.Member member : composite.members()) {
            long from = member.bitOffset() / 8;
            if (member.bitSize() > 0) {
                long to = (member.bitOffset() + member.bitSize() + 7L) / 8;
                if (offset <= from && to <= offset + bytes || offset >= from && offset + bytes <= to) {
                    return new Reached.Number();
                }
                continue;
            }
            long size = sizeWithTail(composite, member, offset, from);
            if (offset >= from && offset < from + size) {
                return member(member.type(), offset - from, bytes, here, depth);
            }
        }
        return new Reached.Nothing("struct %s has no field at offset %d".formatted(composite.name(), offset));
    }

    /** An array without a length at the end of a struct goes on for ever. */
    private long sizeWithTail(BtfType.Composite composite, BtfType.Member member, long offset, long from) {
        boolean last = composite.members().getLast() == member;
        boolean open = types.resolved(member.type()) instanceof BtfType.Array(var _, var _, var count) && count == 0;
        return last && open ? Math.max(0, offset - from) + 1 : types.size(member.type());
    }

    private Reached member(int type, long offset, int bytes, Doubt doubt, int depth) {
        return switch (types.resolved(type)) {
            case BtfType.Composite _ -> walk(type, offset, bytes, doubt, depth - 1);
            case BtfType.Array(var element, var _, var _) -> {
                long size = Math.max(1, types.size(element));
                boolean plain = !(types.resolved(element) instanceof BtfType.Composite);
                yield plain && offset % size + bytes > size && !(types.resolved(element) instanceof BtfType.Pointer)
                        ? new Reached.Number()
                        : member(element, offset % size, bytes, doubt, depth - 1);
            }
            case BtfType.Pointer(var target) -> pointer(target, offset, bytes, doubt);
            default ->
                offset + bytes <= types.size(type)
                        ? new Reached.Number()
                        : new Reached.Nothing("the access ends beyond its field");
        };
    }

    private Reached pointer(int target, long offset, int bytes, Doubt doubt) {
        if (offset != 0 || bytes != Long.BYTES) {
            return new Reached.Nothing("a pointer is read in part");
        }
        Doubt tagged = isForeign(target) ? Doubt.FOREIGN : doubt;
        int struct = types.resolve(target);
        return types.type(struct) instanceof BtfType.Composite composite
                        && !composite.name().isEmpty()
                ? new Reached.Struct(struct, composite.name(), tagged)
                : new Reached.Number();
    }

    private boolean isForeign(int target) {
        int at = target;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            switch (types.type(at)) {
                case BtfType.Modifier(var name, var next) -> {
                    if (name.equals("user") || name.equals("percpu")) {
                        return true;
                    }
                    at = next;
                }
                case BtfType.Typedef(var _, var next) -> at = next;
                default -> {
                    return false;
                }
            }
        }
        return false;
    }
}
