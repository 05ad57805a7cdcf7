package graft.ebpf.verifier;

import graft.ebpf.verifier.Value.Resident.Thing;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;

/**
 * Whether an old state allows everything that a new one does, so that a walk that was safe from the old one is safe from
 * the new one. Ids are names: two values that share one in the old state must share one in the new state.
 */
final class Subsumption {
    private static final int ALONE = -1;
    private static final IntToLongFunction ALL = _ -> -1;

    private final Names scalarIds = new Names();
    private final Names pointerIds = new Names();
    private final Names referenceIds = new Names();
    private final List<Origin> kept = new ArrayList<>();
    private Mode mode = Mode.EVERYWHERE;

    /** How much is compared. */
    private enum Mode {
        /** Not the numbers that turned out not to matter for the old state, and not the stack that nothing reads. */
        WHERE_IT_MATTERS,
        EVERYWHERE
    }

    /** For an old state whose walk may still find out what matters. */
    boolean covers(Visit old, AbstractState now) {
        boolean covers = compare(Mode.EVERYWHERE, old.state(), now, ALL);
        for (int index = 0; covers && index < kept.size(); index += 2) {
            kept.get(index).followedBy(kept.get(index + 1));
        }
        return covers;
    }

    /** For an old state of which everything is known. */
    boolean coversFinally(Visit old, AbstractState now) {
        boolean covers = compare(Mode.WHERE_IT_MATTERS, old.state(), now, old::read);
        for (int index = 0; covers && index < kept.size(); index += 2) {
            if (kept.get(index).isPrecise()) {
                kept.get(index + 1).mark();
            }
        }
        return covers;
    }

    /** Only looks: nothing becomes precise. */
    boolean sameAs(AbstractState old, AbstractState now) {
        return mayBeSame(old.top(), now.top())
                && compare(Mode.EVERYWHERE, old, now, ALL)
                && compare(Mode.EVERYWHERE, now, old, ALL);
    }

    /** Rounds of a loop mostly differ in a number in some register, which is quickly seen. */
    private static boolean mayBeSame(Frame old, Frame now) {
        for (int reg = 0; reg < old.registers.length; reg++) {
            if (old.registers[reg] instanceof Scalar before
                    && !(now.registers[reg] instanceof Scalar after && before.sameNumbers(after))) {
                return false;
            }
        }
        return true;
    }

    private boolean compare(Mode wanted, AbstractState old, AbstractState now, IntToLongFunction slots) {
        if (old.depth() != now.depth()
                || !old.sameLocks(now)
                || old.references().size() != now.references().size()) {
            return false;
        }
        mode = wanted;
        scalarIds.clear();
        pointerIds.clear();
        referenceIds.clear();
        kept.clear();
        pointerIds.partner(old.lock(), now.lock());
        for (int index = 0; index < old.references().size(); index++) {
            referenceIds.partner(old.references().get(index), now.references().get(index));
        }
        for (int index = old.depth() - 1; index >= 0; index--) {
            if (!frame(old.frame(index), now.frame(index), slots.applyAsLong(index))) {
                return false;
            }
        }
        return true;
    }

    private boolean frame(Frame old, Frame now, long slots) {
        if (old.returnTo != now.returnTo
                || old.function != now.function
                || old.callback() != now.callback()
                || old.rounds() > now.rounds()) {
            return false;
        }
        for (int reg = 0; reg < old.registers.length; reg++) {
            if (!value(old.registers[reg], now.registers[reg])) {
                return false;
            }
        }
        int count = Math.max(old.slotCount(), now.slotCount());
        for (int index = 0; index < count; index++) {
            if ((slots >> index & 1) != 0 && !slot(old.slot(index), now.slot(index))) {
                return false;
            }
        }
        return true;
    }

    private boolean slot(StackSlot old, StackSlot now) {
        if (old == now && old.spilledBytes() == 0) {
            return true;
        }
        if (old.spilledBytes() == 8
                && old.spilled() instanceof Scalar scalar
                && mode == Mode.WHERE_IT_MATTERS
                && !scalar.origin().isPrecise()
                && now.isAllData()) {
            kept.add(scalar.origin());
            kept.add(now.spilled() instanceof Scalar other ? other.origin() : Origin.NONE);
            return true;
        }
        if (old.spilledBytes() > 0) {
            boolean sameSpill = now.spilledBytes() == old.spilledBytes() && value(old.spilled(), now.spilled());
            if (!sameSpill) {
                return false;
            }
        } else if (now.holdsPointer() && (old.kinds() != 0 || mode == Mode.WHERE_IT_MATTERS)) {
            // What was never written is read as a number.
            return false;
        }
        for (int position = old.spilledBytes(); position < 8; position++) {
            if (!covers(old.kind(position), now.plainKind(position))) {
                return false;
            }
            if (old.kind(position) == StackSlot.ZERO) {
                kept.add(Origin.NONE);
                kept.add(now.originOfZeros());
            }
        }
        return true;
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
            case Value.Resident(var thing, var part) ->
                now instanceof Value.Resident(var other, var otherPart) && part == otherPart && thing(thing, other);
        };
    }

    private boolean thing(Thing old, Thing now) {
        return switch (old) {
            case Thing.Dynptr(var source, var id, var reference, var access) ->
                now instanceof Thing.Dynptr other
                        && source == other.source()
                        && access == other.access()
                        && sameName(pointerIds, id, other.id())
                        && (reference == 0) == (other.reference() == 0)
                        && (reference == 0 || sameName(referenceIds, reference, other.reference()));
            case Thing.Iterator(var type, var _, var reference, var progress, var _) ->
                now instanceof Thing.Iterator other
                        && type.equals(other.type())
                        && progress == other.progress()
                        && sameName(referenceIds, reference, other.reference());
        };
    }

    private boolean scalar(Scalar old, Scalar now) {
        if (mode == Mode.WHERE_IT_MATTERS && !old.origin().isPrecise()) {
            kept.add(old.origin());
            kept.add(now.origin());
            return true;
        }
        kept.add(old.origin());
        kept.add(now.origin());
        if (!old.covers(now)) {
            return false;
        }
        if (old.id() == Scalar.NO_ID) {
            return true;
        }
        if (old.isConstant()) {
            // Two equal constants need no id to be equal.
            return true;
        }
        int partner = now.id() == Scalar.NO_ID ? ALONE : now.id();
        boolean first = !scalarIds.knows(old.id());
        boolean together = first || partner != ALONE;
        return together
                && scalarIds.partner(old.id(), partner) == partner
                && (partner == ALONE || old.delta() == now.delta());
    }

    private boolean pointer(Pointer old, Pointer now) {
        return old.mayBeNull() == now.mayBeNull()
                && region(old.region(), now.region())
                && old.offset().covers(now.offset())
                && (!old.mayBeNull() || sameName(pointerIds, old.nullId(), now.nullId()));
    }

    private boolean region(Value.Region old, Value.Region now) {
        return switch (old) {
            case Value.Region.Record record ->
                now instanceof Value.Region.Record other
                        && record.size() == other.size()
                        && sameName(referenceIds, record.reference(), other.reference());
            case Value.Region.MapValue value ->
                now instanceof Value.Region.MapValue other
                        && value.map().equals(other.map())
                        && sameIdentity(value.identity(), other.identity());
            case Value.Region.MapObject map ->
                now instanceof Value.Region.MapObject other
                        && map.map().equals(other.map())
                        && sameIdentity(map.identity(), other.identity());
            case Value.Region.Packet packet ->
                now instanceof Value.Region.Packet other
                        && packet.part() == other.part()
                        && packet.range() <= other.range()
                        && (packet.most() < 0 || other.most() >= 0 && other.most() <= packet.most())
                        && sameIdentity(packet.base(), other.base());
            case Value.Region.Kernel kernel ->
                now instanceof Value.Region.Kernel other
                        && kernel.type() == other.type()
                        && kernel.name().equals(other.name())
                        && kernel.trust() == other.trust()
                        && sameReference(kernel.reference(), other.reference());
            case Value.Region.Socket socket ->
                now instanceof Value.Region.Socket other
                        && socket.kind() == other.kind()
                        && sameReference(socket.reference(), other.reference());
            case Value.Region.Memory memory ->
                now instanceof Value.Region.Memory other
                        && memory.name().equals(other.name())
                        && memory.size() <= other.size()
                        && memory.access() == other.access()
                        && sameIdentity(memory.owner(), other.owner());
            case Value.Region.StackObject object ->
                now instanceof Value.Region.StackObject other && thing(object.thing(), other.thing());
            case Value.Region.Context _,
                    Value.Region.Arena _,
                    Value.Region.Stack _,
                    Value.Region.PacketEnd _,
                    Value.Region.PerCpu _,
                    Value.Region.Function _ -> old.equals(now);
        };
    }

    private boolean sameIdentity(int old, int now) {
        return (old == 0) == (now == 0) && (old == 0 || sameName(pointerIds, old, now));
    }

    private boolean sameReference(int old, int now) {
        return (old == 0) == (now == 0) && (old == 0 || sameName(referenceIds, old, now));
    }

    private static boolean sameName(Names names, int old, int now) {
        return names.partner(old, now) == now;
    }
}
