package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import java.util.Optional;
import java.util.Set;

/** Takes the additions and shifts that compute an address into the memory operand. */
final class Addresses implements Rewrite {
    private static final int DEPTH = 6;

    /** {@code origin + base + index * scale + offset}; the origin is a symbol or a frame address. */
    private record Sum(Optional<Value> origin, Optional<Var> base, Optional<Var> index, int scale, long offset) {
        static Sum of(Var var) {
            return new Sum(Optional.empty(), Optional.of(var), Optional.empty(), 1, 0);
        }

        static Sum constant(long value) {
            return new Sum(Optional.empty(), Optional.empty(), Optional.empty(), 1, value);
        }

        Optional<Sum> plus(Sum other) {
            if (origin.isPresent() && other.origin.isPresent() || index.isPresent() && other.index.isPresent()) {
                return Optional.empty();
            }
            Sum scaled = index.isPresent() ? this : other;
            Optional<Var> oneBase = base.isPresent() ? base : other.base;
            Optional<Var> oneIndex = scaled.index;
            int oneScale = scaled.scale;
            if (base.isPresent() && other.base.isPresent()) {
                if (oneIndex.isPresent()) {
                    return Optional.empty();
                }
                oneIndex = other.base;
                oneScale = 1;
            }
            return Optional.of(
                            new Sum(origin.or(() -> other.origin), oneBase, oneIndex, oneScale, offset + other.offset))
                    .filter(Sum::isPlace);
        }

        Optional<Sum> times(int factor) {
            boolean simple = origin.isEmpty() && index.isEmpty();
            return simple
                    ? Optional.of(new Sum(origin, Optional.empty(), base, factor, offset * factor))
                    : Optional.empty();
        }

        /** An origin takes the place of the base. */
        boolean isPlace() {
            return offset == (int) offset && !(origin.isPresent() && base.isPresent() && index.isPresent());
        }

        Place place() {
            int distance = (int) offset;
            if (origin.isEmpty()) {
                return base.isPresent()
                        ? new Place(base.get(), index, scale, distance)
                        : new Place(new Value.Constant(0), index, scale, distance);
            }
            return base.isPresent()
                    ? new Place(origin.get(), base, 1, distance)
                    : new Place(origin.get(), index, scale, distance);
        }

        boolean isComplete() {
            return origin.isPresent() || base.isPresent();
        }
    }

    @Override
    public Set<Class<? extends Op>> concerns() {
        return Set.of(Op.Load.class, Op.Store.class, Op.Atomic.class, Op.Lea.class, Op.Binary.class);
    }

    @Override
    public Op apply(Op op, Known known) {
        return switch (op) {
            case Op.Load load -> {
                Place place = folded(load.place(), known);
                yield place == load.place() ? op : new Op.Load(load.size(), load.extension(), load.dst(), place);
            }
            case Op.Store store -> {
                Place place = folded(store.place(), known);
                yield place == store.place() ? op : new Op.Store(store.size(), place, store.value());
            }
            case Op.Atomic(var kind, var size, var place, var operand, var old) ->
                new Op.Atomic(kind, size, folded(place, known), operand, old);
            case Op.Lea(var width, var dst, var place)
            when width == Width.W64 -> new Op.Lea(width, dst, folded(place, known));
            case Op.Binary binary when binary.op() == AluOp.ADD && binary.width() == Width.W64 -> sum(binary, known);
            default -> op; // no address
        };
    }

    private static Place folded(Place place, Known known) {
        if (place.index().isEmpty()
                && (!(place.base() instanceof Var var) || known.definition(var).isEmpty())) {
            return place;
        }
        Sum start = switch (place.base()) {
            case Var var -> sum(var, known, DEPTH);
            case Value.Constant(long value) -> Sum.constant(value);
            case Value.Symbol symbol -> new Sum(Optional.of(symbol), Optional.empty(), Optional.empty(), 1, 0);
            case Value.FrameAddress frame -> new Sum(Optional.of(frame), Optional.empty(), Optional.empty(), 1, 0);
        };
        Optional<Sum> whole = Optional.of(start);
        if (place.index().isPresent()) {
            whole = sum(place.index().get(), known, DEPTH)
                    .times(place.scale())
                    .flatMap(start::plus)
                    .or(() -> Sum.of(place.index().get()).times(place.scale()).flatMap(start::plus));
        }
        return whole.flatMap(sum -> sum.plus(Sum.constant(place.offset())))
                .filter(Sum::isComplete)
                .map(Sum::place)
                .orElse(place);
    }

    private static Optional<Sum> whole(Place place) {
        Optional<Value> origin = place.base() instanceof Var ? Optional.empty() : Optional.of(place.base());
        Optional<Var> base = place.base() instanceof Var var ? Optional.of(var) : Optional.empty();
        return Optional.of(new Sum(origin, base, place.index(), place.scale(), place.offset()));
    }

    /** Only an address of the frame becomes shorter than an addition. */
    private static Op sum(Op.Binary binary, Known known) {
        return sum(binary, known, DEPTH)
                .filter(sum -> sum.origin().orElse(null) instanceof Value.FrameAddress
                        && sum.base().isEmpty()
                        && sum.index().isEmpty())
                .<Op>map(sum -> new Op.Move(
                        binary.dst(),
                        new Value.FrameAddress(
                                ((Value.FrameAddress) sum.origin().orElseThrow()).offset() + (int) sum.offset())))
                .orElse(binary);
    }

    private static Optional<Sum> sum(Op.Binary add, Known known, int depth) {
        Sum left = sum(add.left(), known, depth - 1);
        return switch (add.right()) {
            case Value.Constant(long value) -> left.plus(Sum.constant(value));
            case Var var -> left.plus(sum(var, known, depth - 1));
            case Value.Symbol _, Value.FrameAddress _ -> Optional.empty();
        };
    }

    private static Sum sum(Var var, Known known, int depth) {
        if (depth == 0) {
            return Sum.of(var);
        }
        return known.definition(var)
                .flatMap(op -> switch (op) {
                    case Op.Move(var _, Var src) when !src.isFixed() -> Optional.of(sum(src, known, depth - 1));
                    case Op.Move(var _, Value.Constant(long value)) -> Optional.of(Sum.constant(value));
                    case Op.Move(var _, Value.Symbol symbol) ->
                        Optional.of(new Sum(Optional.of(symbol), Optional.empty(), Optional.empty(), 1, 0));
                    case Op.Move(var _, Value.FrameAddress frame) ->
                        Optional.of(new Sum(Optional.of(frame), Optional.empty(), Optional.empty(), 1, 0));
                    case Op.Lea(var width, var _, var place) when width == Width.W64 -> whole(place);
                    case Op.Binary(var kind, var width, var _, var _, var _)
                    when kind == AluOp.ADD && width == Width.W64 -> sum((Op.Binary) op, known, depth);
                    case Op.Binary(var kind, var width, var _, var left, Value.Constant(long count))
                    when kind == AluOp.LSH && width == Width.W64 && count >= 0 && count <= 3 ->
                        sum(left, known, depth - 1)
                                .times(1 << count)
                                .or(() -> Sum.of(left).times(1 << count));
                    default -> Optional.<Sum>empty(); // a value of its own
                })
                .orElseGet(() -> Sum.of(var));
    }
}
