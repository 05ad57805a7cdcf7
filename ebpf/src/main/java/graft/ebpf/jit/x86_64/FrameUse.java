package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;

/** Which operations need the function's frame. */
final class FrameUse {
    private FrameUse() {}

    static boolean of(Op op) {
        return switch (op) {
            case Op.Move move -> move.src() instanceof Value.FrameAddress;
            case Op.Lea lea -> isFrame(lea.place());
            case Op.Load load -> isFrame(load.place());
            case Op.Store store -> isFrame(store.place());
            case Op.Atomic atomic -> isFrame(atomic.place());
            case Op.Binary _,
                    Op.Unary _,
                    Op.Rotate _,
                    Op.Select _,
                    Op.ArrayLookup _,
                    Op.HashLookup _,
                    Op.Row _,
                    Op.BelowContextValue _,
                    Op.ThreadValue _,
                    Op.Call _,
                    Op.TriedLoad _,
                    Op.EndTransaction _,
                    Op.Last _ -> false;
        };
    }

    private static boolean isFrame(Place place) {
        return place.base() instanceof Value.FrameAddress;
    }
}
