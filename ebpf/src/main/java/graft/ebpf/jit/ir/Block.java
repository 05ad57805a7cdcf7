package graft.ebpf.jit.ir;

import java.util.ArrayList;
import java.util.List;

/** Operations that run one after another. Compared by identity. */
public final class Block {
    private final int slot;
    private final List<Op> ops = new ArrayList<>();
    private int number;

    /** @param slot of the first instruction, for debuggers and for printing */
    public Block(int slot) {
        this.slot = slot;
    }

    /** The slot of the instruction it began with. */
    public int slot() {
        return slot;
    }

    /** Its place in the function when somebody last numbered the blocks. */
    public int number() {
        return number;
    }

    void setNumber(int place) {
        number = place;
    }

    /** Its operations, which passes change in place; the last one is an {@link Op.Last}. */
    public List<Op> ops() {
        return ops;
    }

    /** The operation that leaves the block. */
    public Op.Last last() {
        return (Op.Last) ops.getLast();
    }

    /** Replaces the operation that leaves the block. */
    public void setLast(Op.Last last) {
        ops.set(ops.size() - 1, last);
    }

    @Override
    public String toString() {
        return "b" + slot;
    }
}
