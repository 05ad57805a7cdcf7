package graft.ebpf.jit.pass;

import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Loads the addresses of maps that loops use once, at the entry, and keeps them. */
final class Bases implements Pass {
    private static final int MOST = 3;
    private static final Comparator<Map.Entry<String, Long>> BY_WEIGHT = Map.Entry.<String, Long>comparingByValue(
                    Comparator.reverseOrder())
            .thenComparing(Map.Entry.comparingByKey());
    private static final Value NO_MEMORY = new Value.Constant(0);

    private final Order order;

    /** @param order of the blocks of the function */
    Bases(Order order) {
        this.order = order;
    }

    @Override
    public void run(Flow flow) {
        if (order.loops().isEmpty()) {
            return;
        }
        Map<String, Long> weights = new HashMap<>();
        for (Block block : order.blocks()) {
            if (order.depth(block) > 0) {
                long weight = 1L << 3 * Math.min(order.depth(block), 5);
                List<Op> ops = block.ops();
                for (int at = 0; at < ops.size(); at++) {
                    count(ops.get(at), weight, weights);
                }
            }
        }
        if (weights.isEmpty()) {
            return;
        }
        List<Map.Entry<String, Long>> heaviest = new ArrayList<>(weights.entrySet());
        heaviest.sort(BY_WEIGHT);
        Map<String, Var> bases = new HashMap<>();
        for (int i = 0; i < heaviest.size() && i < MOST; i++) {
            bases.put(heaviest.get(i).getKey(), flow.newVar());
        }
        for (Block block : flow.blocks()) {
            block.ops().replaceAll(op -> replaced(op, bases));
        }
        List<Op> entry = flow.entry().ops();
        bases.forEach((map, var) -> entry.addFirst(new Op.Move(var, new Value.Symbol(new Wide.MapValue(map, 0)))));
    }

    private static void count(Op op, long weight, Map<String, Long> weights) {
        Value base = switch (op) {
            case Op.Load load -> load.place().base();
            case Op.Store store -> store.place().base();
            case Op.Atomic atomic -> atomic.place().base();
            case Op.Lea lea -> lea.place().base();
            case Op.Move move -> move.src();
            default -> NO_MEMORY;
        };
        if (base instanceof Value.Symbol(Wide.MapValue(String map, long _))) {
            weights.merge(map, weight, Long::sum);
        }
    }

    private static Op replaced(Op op, Map<String, Var> bases) {
        return switch (op) {
            case Op.Load(var size, var extension, var dst, var place)
            when isIn(bases, place) -> new Op.Load(size, extension, dst, replaced(place, bases));
            case Op.Store(var size, var place, var value)
            when isIn(bases, place) -> new Op.Store(size, replaced(place, bases), value);
            case Op.Atomic(var kind, var size, var place, var operand, var old)
            when isIn(bases, place) -> new Op.Atomic(kind, size, replaced(place, bases), operand, old);
            case Op.Lea(var width, var dst, var place)
            when isIn(bases, place) -> new Op.Lea(width, dst, replaced(place, bases));
            case Op.Move(var dst, Value.Symbol(Wide.MapValue(String map, long offset)))
            when bases.containsKey(map) && offset == (int) offset && !dst.isFixed() ->
                new Op.Lea(Width.W64, dst, Place.at(bases.get(map), (int) offset));
            default -> op; // no such memory
        };
    }

    private static boolean isIn(Map<String, Var> bases, Place place) {
        return place.base() instanceof Value.Symbol(Wide.MapValue(String map, long start))
                && bases.containsKey(map)
                && start + place.offset() == (int) (start + place.offset());
    }

    private static Place replaced(Place place, Map<String, Var> bases) {
        return place.base() instanceof Value.Symbol(Wide.MapValue(String map, long start))
                ? new Place(bases.get(map), place.index(), place.scale(), (int) start + place.offset())
                : place;
    }
}
