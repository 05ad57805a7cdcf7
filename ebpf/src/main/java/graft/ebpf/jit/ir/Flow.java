package graft.ebpf.jit.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** One function. */
public final class Flow {
    /** In place of a block's number. */
    static final int NONE = -1;

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

    /** The numbers of the blocks that can follow each of {@code numbered}: two places each, with {@link #NONE} at the end. */
    static int[] followers(Block[] numbered) {
        int[] followers = new int[2 * numbered.length];
        for (int i = 0; i < numbered.length; i++) {
            followers[2 * i] = NONE;
            followers[2 * i + 1] = NONE;
            switch (numbered[i].ops().getLast()) {
                case Op.If branch -> {
                    followers[2 * i] = branch.yes().number();
                    followers[2 * i + 1] = branch.no().number();
                }
                case Op.Goto jump -> followers[2 * i] = jump.to().number();
                case Op.MayGoto round -> {
                    followers[2 * i] = round.on().number();
                    followers[2 * i + 1] = round.out().number();
                }
                case Op.Near near -> {
                    followers[2 * i] = near.near().number();
                    followers[2 * i + 1] = near.far().number();
                }
                case Op.Transaction transaction -> {
                    followers[2 * i] = transaction.inside().number();
                    followers[2 * i + 1] = transaction.again().number();
                }
                default -> {} // nothing follows
            }
        }
        return followers;
    }

    @Override
    public String toString() {
        return blocks.stream()
                .map(block -> block + ":\n"
                        + block.ops().stream().map(op -> "  " + op + "\n").collect(Collectors.joining()))
                .collect(Collectors.joining());
    }
}
