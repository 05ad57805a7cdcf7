package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.ebpf.btf.BtfType.Composite;
import java.util.List;

/**
 * Whether a type of the object and a type of the target mean the same, by libbpf's three rules: for fields, for the
 * existence of types, and for {@code bpf_core_type_matches}.
 */
record CoreTypes(Btf local, Btf target, CoreEffort effort) {
    private static final int MAX_DEPTH = 32;

    /** Whether both are of one kind; the two sizes of enumerations count as one. */
    static boolean sameKind(BtfType ours, BtfType theirs) {
        return switch (ours) {
            case Composite(var kind, var _, var _, var _) ->
                theirs instanceof Composite(var other, var _, var _, var _) && kind == other;
            default -> ours.getClass() == theirs.getClass();
        };
    }

    /** The rule for members of one name. */
    boolean mayBeSameField(int ours, int theirs) {
        int localId = ours;
        int targetId = theirs;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            effort.step();
            BtfType mine = local.resolved(localId);
            BtfType its = target.resolved(targetId);
            if (mine instanceof Composite && its instanceof Composite) {
                return true;
            }
            if (!sameKind(mine, its)) {
                return false;
            }
            if (!(mine instanceof BtfType.Array array)) {
                return switch (mine) {
                    case BtfType.Pointer _, BtfType.Float _, BtfType.Int _ -> true;
                    case BtfType.Forward _, BtfType.Enumeration _ -> agree(mine.typeName(), its.typeName());
                    default -> false;
                };
            }
            localId = array.element();
            targetId = ((BtfType.Array) its).element();
        }
        return false;
    }

    /** One of them has no name, or both have the same. */
    private static boolean agree(String ours, String theirs) {
        return ours.isEmpty() || theirs.isEmpty() || Btf.essential(ours).equals(Btf.essential(theirs));
    }

    /** The rule for types of one name. */
    boolean mayBeSame(int ours, int theirs) {
        return sameKind(local.type(ours), target.type(theirs)) && alike(ours, theirs, MAX_DEPTH);
    }

    private boolean alike(int ours, int theirs, int depth) {
        effort.step();
        BtfType mine = local.resolved(ours);
        BtfType its = target.resolved(theirs);
        if (depth == 0 || !sameKind(mine, its)) {
            return false;
        }
        return switch (mine) {
            case BtfType.Void _, Composite _, BtfType.Enumeration _, BtfType.Forward _, BtfType.Int _ -> true;
            case BtfType.Pointer(var pointee) -> alike(pointee, ((BtfType.Pointer) its).target(), depth - 1);
            case BtfType.Array array -> alike(array.element(), ((BtfType.Array) its).element(), depth - 1);
            case BtfType.Prototype prototype -> alike(prototype, (BtfType.Prototype) its, depth);
            default -> false;
        };
    }

    private boolean alike(BtfType.Prototype ours, BtfType.Prototype theirs, int depth) {
        int count = ours.parameters().size();
        boolean same = count == theirs.parameters().size();
        for (int i = 0; same && i < count; i++) {
            same = alike(
                    ours.parameters().get(i).type(), theirs.parameters().get(i).type(), depth - 1);
        }
        return same && alike(ours.result(), theirs.result(), depth - 1);
    }

    /** What a type is reached through: behind a pointer, a struct's name is enough. */
    private enum Reached {
        DIRECTLY,
        BY_POINTER
    }

    /** The rule of {@code bpf_core_type_matches}: everything the object knows of the type, the target has too. */
    boolean match(int ours, int theirs) {
        return sameKind(local.type(ours), target.type(theirs)) && match(ours, theirs, Reached.DIRECTLY, MAX_DEPTH);
    }

    private boolean match(int ours, int theirs, Reached how, int depth) {
        effort.step();
        BtfType mine = local.resolved(ours);
        BtfType its = target.resolved(theirs);
        if (depth == 0 || !sameName(mine.typeName(), its.typeName())) {
            return false;
        }
        return switch (mine) {
            case BtfType.Void _ -> its instanceof BtfType.Void;
            case BtfType.Forward forward -> declared(forward.kind(), its, how);
            case BtfType.Enumeration wanted -> its instanceof BtfType.Enumeration has && enumerations(wanted, has);
            case Composite wanted
            when how == Reached.BY_POINTER ->
                its instanceof Composite has && has.kind() == wanted.kind()
                        || its instanceof BtfType.Forward forward && forward.kind() == wanted.kind();
            case Composite wanted ->
                its instanceof Composite has && has.kind() == wanted.kind() && members(wanted, has, depth);
            case BtfType.Int wanted ->
                its instanceof BtfType.Int has && wanted.size() == has.size() && wanted.isSigned() == has.isSigned();
            case BtfType.Pointer(var pointee) ->
                its instanceof BtfType.Pointer(var other) && match(pointee, other, Reached.BY_POINTER, depth - 1);
            case BtfType.Array wanted ->
                its instanceof BtfType.Array has
                        && wanted.count() == has.count()
                        && match(wanted.element(), has.element(), how, depth - 1);
            case BtfType.Prototype wanted ->
                its instanceof BtfType.Prototype has && prototypes(wanted, has, how, depth);
            default -> false;
        };
    }

    private static boolean sameName(String ours, String theirs) {
        return theirs.isEmpty() ? ours.isEmpty() : Btf.essential(ours).equals(Btf.essential(theirs));
    }

    private static boolean declared(Composite.Kind kind, BtfType its, Reached how) {
        return its instanceof BtfType.Forward forward && forward.kind() == kind
                || how == Reached.BY_POINTER && its instanceof Composite has && has.kind() == kind;
    }

    private boolean enumerations(BtfType.Enumeration wanted, BtfType.Enumeration has) {
        return wanted.size() == has.size()
                && wanted.values().size() <= has.values().size()
                && wanted.values().stream()
                        .allMatch(value -> has.values().stream().anyMatch(other -> {
                            effort.step();
                            return sameName(value.name(), other.name());
                        }));
    }

    private boolean members(Composite wanted, Composite has, int depth) {
        List<BtfType.Member> theirs = has.members();
        return wanted.members().size() <= theirs.size()
                && wanted.members().stream()
                        .allMatch(member -> theirs.stream().anyMatch(other -> {
                            effort.step();
                            return sameName(member.name(), other.name())
                                    && match(member.type(), other.type(), Reached.DIRECTLY, depth - 1);
                        }));
    }

    private boolean prototypes(BtfType.Prototype wanted, BtfType.Prototype has, Reached how, int depth) {
        int count = wanted.parameters().size();
        boolean same = count == has.parameters().size();
        for (int i = 0; same && i < count; i++) {
            same = match(
                    wanted.parameters().get(i).type(), has.parameters().get(i).type(), how, depth - 1);
        }
        return same && match(wanted.result(), has.result(), how, depth - 1);
    }
}
