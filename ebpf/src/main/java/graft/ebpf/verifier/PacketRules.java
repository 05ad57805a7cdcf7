package graft.ebpf.verifier;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Width;
import graft.ebpf.verifier.Value.Region.Packet;

/** What comparing packet pointers with the packet's end teaches, and when packet pointers die. */
final class PacketRules {
    private static final long MAX_OFFSET = 0xffff;

    private PacketRules() {}

    /** Packets may have moved: no pointer into them is good any more. */
    static void forgetPackets(AbstractState state) {
        state.replaceValues(value -> value instanceof Pointer pointer && isPacket(pointer) ? Scalar.UNKNOWN : value);
    }

    private static boolean isPacket(Pointer pointer) {
        return pointer.region() instanceof Packet || pointer.region() instanceof Value.Region.PacketEnd;
    }

    /** How a comparison of a packet pointer with the end relates them. */
    enum Side {
        /** The pointer is known to be at most the end. */
        WITHIN,
        /** The pointer is known to be below the end. */
        BELOW,
        /** Nothing useful. */
        BEYOND
    }

    /** A pair whose comparison teaches something: a pointer, and what bounds it. */
    static boolean isBounded(Pointer pointer, Pointer end) {
        boolean packet = pointer.region() instanceof Packet p && p.part() == Packet.Part.DATA;
        boolean meta = pointer.region() instanceof Packet m && m.part() == Packet.Part.META;
        boolean packetEnd = end.region() == Value.Region.PacketEnd.PACKET_END;
        boolean packetStart = end.region() instanceof Packet s
                && s.part() == Packet.Part.DATA
                && s.base() == 0
                && end.offset().is(0);
        return packet && packetEnd || meta && packetStart;
    }

    /** The relation when {@code pointer op end} holds. */
    static Side holds(JumpOp op) {
        return switch (op) {
            case JLE -> Side.WITHIN;
            case JLT -> Side.BELOW;
            case JGT, JGE, JEQ, JNE, JSET, JSGT, JSGE, JSLT, JSLE -> Side.BEYOND;
        };
    }

    /** The relation when {@code pointer op end} does not hold. */
    static Side fails(JumpOp op) {
        return switch (op) {
            case JGT -> Side.WITHIN;
            case JGE -> Side.BELOW;
            case JLT, JLE, JEQ, JNE, JSET, JSGT, JSGE, JSLT, JSLE -> Side.BEYOND;
        };
    }

    /** A pointer moved by an unknown distance: a place of its own, of which nothing is known to exist. */
    static Value moved(Step step, Pointer pointer, Packet packet, AluOp op, Scalar distance) {
        Scalar signed = op == AluOp.ADD ? distance : ScalarMath.negated(Width.W64, distance);
        long most =
                signed.wide().smin() < 0 || packet.most() < 0 || signed.wide().umax() > MAX_OFFSET
                        ? -1
                        : packet.most() + signed.wide().umax();
        int base = step.walk.origins().next();
        return new Pointer(new Packet(packet.part(), base, most, 0), pointer.offset(), pointer.nullId());
    }

    static void learn(AbstractState state, Pointer pointer, Side side) {
        Packet packet = (Packet) pointer.region();
        long offset = pointer.offset().constant();
        boolean useless =
                side == Side.BEYOND || offset <= 0 || packet.most() < 0 || packet.most() + offset > MAX_OFFSET;
        if (useless) {
            return;
        }
        long range = side == Side.BELOW ? offset + 1 : offset;
        state.replaceValues(value -> value instanceof Pointer other
                        && other.region() instanceof Packet same
                        && same.part() == packet.part()
                        && same.base() == packet.base()
                        && same.range() < range
                ? new Pointer(new Packet(same.part(), same.base(), same.most(), range), other.offset(), other.nullId())
                : value);
    }
}
