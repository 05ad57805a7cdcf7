package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A field of a map value that only helpers may touch, such as a spin lock.
 *
 * @param offset from the beginning of the value
 */
public record SpecialField(Kind kind, long offset, long size) {
    private static final int MAX_DEPTH = 8;
    private static final Map<String, Kind> BY_STRUCT = Map.of(
            "bpf_spin_lock", Kind.SPIN_LOCK,
            "bpf_res_spin_lock", Kind.RESILIENT_SPIN_LOCK,
            "bpf_timer", Kind.TIMER,
            "bpf_wq", Kind.WORK_QUEUE,
            "bpf_list_head", Kind.COLLECTION,
            "bpf_list_node", Kind.COLLECTION,
            "bpf_rb_root", Kind.COLLECTION,
            "bpf_rb_node", Kind.COLLECTION,
            "bpf_refcount", Kind.COLLECTION,
            "bpf_task_work", Kind.WORK_QUEUE);

    /** Kinds of such fields. */
    public enum Kind {
        SPIN_LOCK,
        RESILIENT_SPIN_LOCK,
        TIMER,
        WORK_QUEUE,
        /** Heads and nodes of lists and trees. */
        COLLECTION,
        /** A pointer to a kernel object. */
        KPTR
    }

    /** What it is, for people. */
    public String text() {
        return kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    }

    /** Whether it has a part in a range of the value. */
    public boolean overlaps(long from, long to) {
        return offset < to && from < offset + size;
    }

    /** The fields of values of a type, which may be a section of variables. */
    static List<SpecialField> of(Btf btf, int type) {
        List<SpecialField> found = new ArrayList<>();
        if (btf.resolved(type) instanceof BtfType.DataSection(var _, var _, var places)) {
            places.forEach(place -> collect(btf, place.variable(), place.offset(), MAX_DEPTH, found));
        } else {
            collect(btf, type, 0, MAX_DEPTH, found);
        }
        return List.copyOf(found);
    }

    private static void collect(Btf btf, int type, long offset, int depth, List<SpecialField> found) {
        if (depth == 0) {
            return;
        }
        switch (btf.resolved(type)) {
            case BtfType.Variable variable -> collect(btf, variable.type(), offset, depth - 1, found);
            case BtfType.Composite composite -> {
                Kind kind = BY_STRUCT.get(composite.name());
                if (kind != null) {
                    found.add(new SpecialField(kind, offset, composite.size()));
                    return;
                }
                for (BtfType.Member member : composite.members()) {
                    if (member.bitSize() == 0) {
                        collect(btf, member.type(), offset + member.bitOffset() / 8, depth - 1, found);
                    }
                }
            }
            case BtfType.Pointer(var target) -> {
                if (isTagged(btf, target)) {
                    found.add(new SpecialField(Kind.KPTR, offset, Long.BYTES));
                }
            }
            default -> {}
        }
    }

    private static boolean isTagged(Btf btf, int target) {
        return btf.type(target) instanceof BtfType.Modifier(var name, var _)
                && (name.equals("kptr") || name.equals("kptr_untrusted") || name.equals("percpu_kptr"));
    }
}
