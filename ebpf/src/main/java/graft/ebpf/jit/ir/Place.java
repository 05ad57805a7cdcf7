package graft.ebpf.jit.ir;

import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A place in memory: {@code base + index * scale + offset}.
 *
 * @param base a variable, a symbol, or a frame address (then {@code offset} is on top of it)
 * @param scale 1, 2, 4 or 8
 */
public record Place(Value base, Optional<Var> index, int scale, int offset) {
    /** {@code base + offset}. */
    public static Place at(Value base, int offset) {
        return new Place(base, Optional.empty(), 1, offset);
    }

    void uses(Consumer<Var> each) {
        if (base instanceof Var var) {
            each.accept(var);
        }
        index.ifPresent(each);
    }

    Place map(UnaryOperator<Var> uses) {
        return new Place(base instanceof Var var ? uses.apply(var) : base, index.map(uses), scale, offset);
    }

    /** The frame offset, when the place is one constant place of the frame. */
    public Optional<Integer> frameOffset() {
        return base instanceof Value.FrameAddress(int start) && index.isEmpty()
                ? Optional.of(start + offset)
                : Optional.empty();
    }
}
