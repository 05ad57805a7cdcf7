package graft.ebpf.verifier;

import java.util.HashMap;
import java.util.Map;

/**
 * Whether an old state allows everything that a new one does, so that a walk that was safe from the old one is safe from
 * the new one. Ids are names: two values that share one in the old state must share one in the new state.
 */
final class Subsumption {
    private static final int ALONE = -1;

    private final Map<Integer, Integer> scalarIds = new HashMap<>(4);
    private final Map<Integer, Integer> pointerIds = new HashMap<>(4);
    private final Map<Integer, Integer> referenceIds = new HashMap<>(4);

    private Subsumption() {}

    static boolean covers(AbstractState old, AbstractState now) {
        if (old.depth() != now.depth()
                || old.references().size() != now.references().size()) {
            return false;
        }
        Subsumption check = new Subsumption();
        for (int index = 0; index < old.references().size(); index++) {
            check.referenceIds.put(old.references().get(index), now.references().get(index));
        }
        for (int index = 0; index < old.depth(); index++) {
            if (!check.frame(old.frame(index), now.frame(index))) {
                return false;
            }
        }
        return true;
    }

    private boolean frame(Frame old, Frame now) {
        if (old.returnTo != now.returnTo || old.function != now.function) {
            return false;
        }
        for (int reg = 0; reg < old.registers.length; reg++) {
            if (!value(old.registers[reg], now.registers[reg])) {
                return false;
            }
        }
        for (int index = 0; index < old.slotCount(); index++) {
            if (!slot(old.slot(index), now.slot(index))) {
                return false;
            }
        }
        return true;
    }

    private boolean slot(StackSlot old, StackSlot now) {
        if (old == now && !(old.spilled() instanceof Pointer) && hasNoId(old.spilled())) {
            return true;
        }
        if (old.spilledBytes() > 0) {
            boolean sameSpill = now.spilledBytes() == old.spilledBytes() && value(old.spilled(), now.spilled());
            if (!sameSpill) {
                return false;
            }
        } else if (now.holdsPointer() && old.kinds() != 0) {
            return false;
        }
        for (int position = old.spilledBytes(); position < 8; position++) {
            if (!covers(old.kind(position), now.plainKind(position))) {
                return false;
            }
        }
        return true;
    }

    private static boolean hasNoId(Value value) {
        return !(value instanceof Scalar scalar) || scalar.id() == Scalar.NO_ID;
    }

    private static boolean covers(int oldKind, int newKind) {
        return switch (oldKind) {
            case StackSlot.UNWRITTEN -> true;
            case StackSlot.NUMBER -> newKind == StackSlot.NUMBER || newKind == StackSlot.ZERO;
            default -> newKind == oldKind;
        };
    }

    private boolean value(Value old, Value now) {
        return switch (old) {
            case Value.Nothing _ -> true;
            case Scalar scalar -> now instanceof Scalar other && scalar(scalar, other);
            case Pointer pointer -> now instanceof Pointer other && pointer(pointer, other);
        };
    }

    private boolean scalar(Scalar old, Scalar now) {
        if (!old.covers(now)) {
            return false;
        }
        if (old.id() == Scalar.NO_ID) {
            return true;
        }
        int partner = now.id() == Scalar.NO_ID ? ALONE : now.id();
        Integer known = scalarIds.putIfAbsent(old.id(), partner);
        // Two equal constants need no id to be equal.
        return known == null || known == partner && partner != ALONE || old.isConstant();
    }

    private boolean pointer(Pointer old, Pointer now) {
        return old.mayBeNull() == now.mayBeNull()
                && region(old.region(), now.region())
                && scalar(old.offset(), now.offset())
                && (!old.mayBeNull() || sameName(pointerIds, old.nullId(), now.nullId()));
    }

    private boolean region(Value.Region old, Value.Region now) {
        if (old instanceof Value.Region.Record record && now instanceof Value.Region.Record other) {
            return record.size() == other.size() && sameName(referenceIds, record.reference(), other.reference());
        }
        return old.equals(now);
    }

    private static boolean sameName(Map<Integer, Integer> names, int old, int now) {
        Integer known = names.putIfAbsent(old, now);
        return known == null || known == now;
    }
}
