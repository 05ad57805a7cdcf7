package graft.ebpf.jit.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Gives every live range of an eBPF register its own variable: definitions that reach a common use share one, all others
 * do not. The registers that a call destroys end there, and arguments that no definition reaches are taken off the call.
 */
public final class Webs {
    private static final int REGISTERS = OpBuilder.REGISTERS;
    private static final int CALL_DESTROYS = 0b11_1110;

    private final Flow flow;
    private final List<Block> blocks;
    private final int[] followers;
    private final int[] liveIn;
    private int[] parents;
    private boolean[] defined;
    private int nodes;

    private Webs(Flow flow) {
        this.flow = flow;
        this.blocks = flow.blocks();
        this.followers = Flow.followers(flow.numbered());
        this.liveIn = new int[blocks.size()];
        this.parents = new int[blocks.size() * REGISTERS * 2];
        this.defined = new boolean[parents.length];
        this.nodes = blocks.size() * REGISTERS;
        for (int node = 0; node < nodes; node++) {
            parents[node] = node;
        }
    }

    /** Renames the variables of {@code flow}. */
    public static void split(Flow flow) {
        Webs webs = new Webs(flow);
        webs.liveness();
        int[][] exits = webs.number();
        webs.join(exits);
        webs.rename();
    }

    private static int register(Var var) {
        return register(var.number());
    }

    /** The register that a variable's number stands for, or -1. */
    private static int register(int number) {
        int register = number - Var.FIRST_FREE;
        return register >= 0 && register < REGISTERS ? register : -1;
    }

    private void liveness() {
        int[] written = new int[liveIn.length];
        for (int i = 0; i < liveIn.length; i++) {
            written[i] = read(blocks.get(i), i);
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int edge = followers.length - 1; edge >= 0; edge--) {
                if (followers[edge] != Flow.NONE) {
                    int live = liveIn[edge / 2] | liveIn[followers[edge]] & ~written[edge / 2];
                    changed |= live != liveIn[edge / 2];
                    liveIn[edge / 2] = live;
                }
            }
        }
    }

    /** What a block reads before it writes it is live in front of it; what it writes is the result. */
    private int read(Block block, int number) {
        int written = 0;
        Consumer<Var> reads = var -> liveIn[number] |= bit(var);
        List<Op> ops = block.ops();
        for (int at = ops.size() - 1; at >= 0; at--) {
            Op op = ops.get(at);
            int defined = defined(op);
            int writes = op instanceof Op.Call ? CALL_DESTROYS : defined < 0 ? 0 : 1 << defined;
            written |= writes;
            liveIn[number] &= ~writes;
            Op.uses(op, reads);
        }
        return written;
    }

    /** The register that {@code op} writes, or -1. */
    private static int defined(Op op) {
        return register(Op.def(op));
    }

    private static int bit(Var var) {
        return register(var) >= 0 ? 1 << register(var) : 0;
    }

    private int newNode(boolean isDefined) {
        if (nodes == parents.length) {
            parents = Arrays.copyOf(parents, nodes * 2);
            defined = Arrays.copyOf(defined, nodes * 2);
        }
        parents[nodes] = nodes;
        defined[nodes] = isDefined;
        return nodes++;
    }

    /** The nodes that hold at the end of each block; every definition is a node, and so is every register on entry. */
    private int[][] number() {
        int[][] exits = new int[blocks.size()][];
        for (int i = 0; i < blocks.size(); i++) {
            exits[i] = new int[REGISTERS];
            enter(i, exits[i]);
            List<Op> ops = blocks.get(i).ops();
            for (int at = 0; at < ops.size(); at++) {
                step(ops.get(at), exits[i]);
            }
        }
        return exits;
    }

    private static void enter(int block, int[] current) {
        for (int r = 0; r < REGISTERS; r++) {
            current[r] = block * REGISTERS + r;
        }
    }

    private void step(Op op, int[] current) {
        if (op instanceof Op.Call) {
            for (int r = 1; r <= 5; r++) {
                current[r] = newNode(false);
            }
        }
        int defined = defined(op);
        if (defined >= 0) {
            current[defined] = newNode(true);
        }
    }

    private void join(int[][] exits) {
        for (int edge = 0; edge < followers.length; edge++) {
            if (followers[edge] != Flow.NONE) {
                int to = followers[edge];
                for (int left = liveIn[to]; left != 0; left &= left - 1) {
                    int r = Integer.numberOfTrailingZeros(left);
                    union(exits[edge / 2][r], to * REGISTERS + r);
                }
            }
        }
    }

    private int find(int node) {
        int root = node;
        while (parents[root] != root) {
            parents[root] = parents[parents[root]];
            root = parents[root];
        }
        return root;
    }

    private void union(int a, int b) {
        int first = find(a);
        int second = find(b);
        parents[second] = first;
        defined[first] |= defined[second];
    }

    private void rename() {
        int created = nodes;
        Var[] vars = new Var[nodes];
        nodes = blocks.size() * REGISTERS;
        int[] current = new int[REGISTERS];
        int[] before = new int[REGISTERS];
        UnaryOperator<Var> uses = renaming(before, vars);
        UnaryOperator<Var> defs = renaming(current, vars);
        for (int i = 0; i < blocks.size(); i++) {
            enter(i, current);
            List<Op> ops = blocks.get(i).ops();
            List<Op> renamed = new ArrayList<>(ops.size());
            for (int at = 0; at < ops.size(); at++) {
                Op op = ops.get(at);
                System.arraycopy(current, 0, before, 0, REGISTERS);
                restep(op, current);
                if (!isUndefinedArgument(op, before)) {
                    renamed.add(op.map(uses, defs));
                }
            }
            replace(ops, renamed);
        }
        if (nodes != created) {
            throw new AssertionError("live ranges were numbered differently the second time");
        }
    }

    /** The same numbers as the first time, without making nodes. */
    private void restep(Op op, int[] current) {
        if (op instanceof Op.Call) {
            for (int r = 1; r <= 5; r++) {
                current[r] = nodes++;
            }
        }
        int defined = defined(op);
        if (defined >= 0) {
            current[defined] = nodes++;
        }
    }

    private boolean isUndefinedArgument(Op op, int[] current) {
        return op instanceof Op.Move(Var dst, Var src)
                && dst.isFixed()
                && register(src) >= 0
                && !defined[find(current[register(src)])];
    }

    private UnaryOperator<Var> renaming(int[] current, Var[] vars) {
        return var -> {
            int r = register(var);
            return r < 0 ? var : renamed(find(current[r]), r, vars);
        };
    }

    private Var renamed(int root, int register, Var[] vars) {
        if (vars[root] == null) {
            vars[root] = flow.newVar(register);
        }
        return vars[root];
    }

    /** Calls keep only the arguments that were moved in place. */
    private static void replace(List<Op> ops, List<Op> renamed) {
        List<Var> moved = new ArrayList<>(0);
        for (int at = 0; at < renamed.size(); at++) {
            if (renamed.get(at) instanceof Op.Move move && move.dst().isFixed()) {
                moved.add(move.dst());
            } else if (renamed.get(at) instanceof Op.Call call) {
                renamed.set(at, new Op.Call(call.target(), List.copyOf(moved)));
                moved.clear();
            }
        }
        ops.clear();
        ops.addAll(renamed);
    }
}
