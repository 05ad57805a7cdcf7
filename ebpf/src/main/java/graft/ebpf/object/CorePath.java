package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A way from a type to a part of it: array elements by index, members by name. The local one is what the compiler
 * recorded; {@link #in} walks the same way through other types.
 *
 * @param bits from the start of the root type
 * @param steps the first is an index; unnamed members are walked through without a step
 */
record CorePath(Btf types, int root, long bits, List<Step> steps) {
    private static final int MAX_DEPTH = 16;
    private static final int MAX_PARTS = 64;

    /** One step and where it ends. */
    sealed interface Step {
        /** Type id of what the step ends at. */
        int type();

        /** An element of an array, or of the array that the root may be part of. */
        record Element(int type, long index) implements Step {}

        /** A member; {@code last} when nothing follows it in its type. */
        record Named(BtfType.Member member, boolean last) implements Step {
            @Override
            public int type() {
                return member.type();
            }
        }
    }

    Step end() {
        return steps.getLast();
    }

    /** {@code task_struct.comm[3]}, for people. */
    String text() {
        StringBuilder text = new StringBuilder(types.type(root).typeName());
        for (Step step : steps.subList(1, steps.size())) {
            text.append(
                    switch (step) {
                        case Step.Element(var _, var index) -> "[" + index + "]";
                        case Step.Named(var member, var _) -> "." + member.name();
                    });
        }
        return text.toString();
    }

    /** The path that a record describes in the object's own types. */
    static CorePath local(Btf types, int root, String access) {
        List<Integer> parts = parts(access);
        List<Step> steps = new ArrayList<>();
        steps.add(new Step.Element(root, parts.getFirst()));
        long bits = types.size(root) * 8 * parts.getFirst();
        int at = root;
        for (int index : parts.subList(1, parts.size())) {
            switch (types.resolved(at)) {
                case BtfType.Composite composite -> {
                    if (index >= composite.members().size()) {
                        throw bad("member %d of %s".formatted(index, composite.name()));
                    }
                    BtfType.Member member = composite.members().get(index);
                    at = member.type();
                    bits += Integer.toUnsignedLong(member.bitOffset());
                    if (!member.name().isEmpty()) {
                        steps.add(named(composite, index));
                    }
                }
                case BtfType.Array array -> {
                    if (index >= array.count() && !isFlexible(steps.getLast(), array)) {
                        throw bad("element %d of %d".formatted(index, array.count()));
                    }
                    at = array.element();
                    bits += types.size(at) * 8 * index;
                    steps.add(new Step.Element(at, index));
                }
                default -> throw bad("an access into something that has no parts");
            }
        }
        return new CorePath(types, root, bits, List.copyOf(steps));
    }

    private static Step named(BtfType.Composite composite, int index) {
        int last = composite.members().size() - 1;
        return new Step.Named(composite.members().get(index), index == last);
    }

    /** An array without a length at the end of a struct may have any index. */
    private static boolean isFlexible(Step step, BtfType.Array array) {
        return array.count() == 0 && step instanceof Step.Named(var _, var last) && last;
    }

    /** The numbers of {@code 0:1:2}. */
    static List<Integer> parts(String access) {
        List<Integer> parts = new ArrayList<>();
        for (String part : access.split(":")) {
            if (!part.matches("[0-9]{1,6}") || parts.size() == MAX_PARTS) {
                throw bad("access \"%s\"".formatted(access));
            }
            parts.add(Integer.parseInt(part));
        }
        return parts;
    }

    /** The same way from {@code candidate}, a type of {@code target}; nothing where a part is missing or differs. */
    Optional<CorePath> in(Btf target, int candidate, CoreEffort effort) {
        Found at = new Found(0, new Step.Element(candidate, 0));
        List<Step> found = new ArrayList<>();
        for (Step step : steps) {
            Optional<Found> next = switch (step) {
                case Step.Named(var member, var _) -> new Members(target, member, effort).find(at, MAX_DEPTH);
                case Step.Element(var _, var index) -> element(target, at, found, index);
            };
            if (next.isEmpty()) {
                return Optional.empty();
            }
            at = next.get();
            found.add(at.step);
        }
        return Optional.of(new CorePath(target, candidate, at.bits, List.copyOf(found)));
    }

    private static Optional<Found> element(Btf target, Found at, List<Step> before, long index) {
        if (before.isEmpty()) {
            int root = at.step.type();
            return Optional.of(new Found(target.size(root) * 8 * index, new Step.Element(root, index)));
        }
        if (!(target.resolved(at.step.type()) instanceof BtfType.Array array)
                || index >= array.count() && !isFlexible(at.step, array)) {
            return Optional.empty();
        }
        int element = array.element();
        return Optional.of(new Found(at.bits + target.size(element) * 8 * index, new Step.Element(element, index)));
    }

    private record Found(long bits, Step step) {}

    /** The search for a member by name, also in unnamed members. */
    private final class Members {
        private final Btf target;
        private final BtfType.Member wanted;
        private final CoreEffort effort;

        Members(Btf target, BtfType.Member wanted, CoreEffort effort) {
            this.target = target;
            this.wanted = wanted;
            this.effort = effort;
        }

        Optional<Found> find(Found at, int depth) {
            if (depth == 0 || !(target.resolved(at.step.type()) instanceof BtfType.Composite composite)) {
                return Optional.empty();
            }
            for (int i = 0; i < composite.members().size(); i++) {
                effort.step();
                BtfType.Member member = composite.members().get(i);
                Found here = new Found(at.bits + Integer.toUnsignedLong(member.bitOffset()), named(composite, i));
                if (member.name().isEmpty()) {
                    Optional<Found> inside = find(here, depth - 1);
                    if (inside.isPresent()) {
                        return inside;
                    }
                } else if (member.name().equals(wanted.name())) {
                    boolean fits = new CoreTypes(types, target, effort).mayBeSameField(wanted.type(), member.type());
                    return fits ? Optional.of(here) : Optional.empty();
                }
            }
            return Optional.empty();
        }
    }

    private static RefusedException bad(String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_BTF, ".BTF.ext", "bad CO-RE record: " + why, "compile the object again");
    }
}
