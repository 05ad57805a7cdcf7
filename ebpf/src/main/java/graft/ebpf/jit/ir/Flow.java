package graft.ebpf.jit.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** One function. */
public final class Flow {
    private final int slot;
    private final List<Block> blocks;
    private int vars;

    /**
     * @param slot the function's first slot
     * @param blocks entry first, in the order in which code is laid out
     * @param vars one more than the largest variable's number
     */
    public Flow(int slot, List<Block> blocks, int vars) {
        this.slot = slot;
        this.blocks = new ArrayList<>(blocks);
        this.vars = vars;
    }

    /** The function's first slot. */
    public int slot() {
        return slot;
    }

    /** Its blocks, which passes change in place; the entry is first. */
    public List<Block> blocks() {
        return blocks;
    }

    /** The entry. */
    public Block entry() {
        return blocks.getFirst();
    }

    /** One more than the largest variable's number. */
    public int vars() {
        return vars;
    }

    /** A variable that nothing uses yet. */
    public Var newVar() {
        return new Var(vars++, Var.NO_HOME);
    }

    /** A variable for a value of eBPF register {@code home}. */
    public Var newVar(int home) {
        return new Var(vars++, home);
    }

    /** The blocks, each of which then knows its place among them until the next change. */
    Block[] numbered() {
        Block[] all = blocks.toArray(Block[]::new);
        for (int i = 0; i < all.length; i++) {
            all[i].setNumber(i);
        }
        return all;
    }

    /** The blocks that lead to each block. */
    public Map<Block, List<Block>> predecessors() {
        Map<Block, List<Block>> before = new HashMap<>();
        blocks.forEach(block -> before.put(block, new ArrayList<>(2)));
        for (Block block : blocks) {
            for (Block next : block.last().next()) {
                before.get(next).add(block);
            }
        }
        return before;
    }

    @Override
    public String toString() {
        return blocks.stream()
                .map(block -> block + ":\n"
                        + block.ops().stream().map(op -> "  " + op + "\n").collect(Collectors.joining()))
                .collect(Collectors.joining());
    }
}
