package graft.ebpf.jit.ir;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.MemSize;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * Lets {@code bpf_probe_read*} of memory that may not be there read in place, in transactions of the processor: a load that
 * faults ends its transaction, and raises no signal. One that is begun for a read goes on behind it, over branches and in
 * loops, as long as nothing comes that has to happen once and now; all further reads up to there are plain loads. So a
 * chain of reads costs as much as one.
 *
 * <p>What a transaction may run over is there three times: as it was, inside of a transaction, and for what is done again when a
 * transaction has ended early, for a fault or for an interrupt: registers and memory are then what they were when it
 * began, helpers read, and none is begun before what would have ended it. So no more than one is lost on the way there, and a
 * fault gives what the helper says.
 *
 * <p>Runs before {@link Webs}.
 */
public final class Transactions {
    private static final int LARGEST_READ = 64;
    private static final int ARGUMENTS = 3;

    /** Of larger functions not all would stay in the processor's cache. */
    private static final int MOST_OPS = 2000;

    /** Reads near the running frame. */
    public enum NearReads {
        /** Take no transaction. */
        IN_PLACE,
        /** Are reads like others: where the frame is is not known. */
        LIKE_OTHERS
    }

    private enum Kind {
        /** Nothing that ends a transaction. */
        OPEN,
        /** Begins with something that does. */
        CLOSED,
        /** A call that reads, and nothing else. */
        READ
    }

    /** A block, and what it is in a transaction and after one, as far as somebody needs it. */
    private static final class Piece {
        private final Block block;
        private final Kind kind;
        private final int size;
        private Optional<Block> inside = Optional.empty();
        private Optional<Block> again = Optional.empty();

        Piece(Block block, Kind kind, int size) {
            this.block = block;
            this.kind = kind;
            this.size = size;
        }
    }

    private final Flow flow;
    private final NearReads nearReads;
    private final Map<Block, Piece> pieces = new HashMap<>();
    private final Deque<Runnable> open = new ArrayDeque<>();
    private final List<Block> placed = new ArrayList<>();
    private final List<Block> placedInside = new ArrayList<>();
    private final List<Block> placedAgain = new ArrayList<>();

    private Transactions(Flow flow, NearReads nearReads) {
        this.flow = flow;
        this.nearReads = nearReads;
    }

    /** Whether a helper only reads memory, of a size that is its second argument. */
    public static boolean reads(Helper helper) {
        return helper == Helper.PROBE_READ || helper == Helper.PROBE_READ_USER || helper == Helper.PROBE_READ_KERNEL;
    }

    /** Changes {@code flow}, if it reads, in place. */
    public static void use(Flow flow, NearReads nearReads) {
        int count = 0;
        boolean some = false;
        for (Block block : flow.blocks()) {
            count += block.ops().size();
            for (int at = 0; at < block.ops().size() && !some; at++) {
                some = sizeOfRead(block.ops(), at).isPresent();
            }
        }
        if (some && count <= MOST_OPS) {
            new Transactions(flow, nearReads).run();
        }
    }

    private void run() {
        List<Piece> reads = new ArrayList<>();
        for (Block block : flow.blocks()) {
            cut(block, reads);
        }
        for (Piece read : reads) {
            inside(read.block);
            again(read.block);
        }
        while (!open.isEmpty()) {
            open.removeFirst().run();
        }
        reads.forEach(this::begin);
        flow.blocks().clear();
        flow.blocks().addAll(placed);
        flow.blocks().addAll(placedInside);
        flow.blocks().addAll(placedAgain);
        Order order = Order.of(flow);
        flow.blocks().removeIf(block -> !order.reaches(block));
    }

    /** The bytes that the call at an index reads, when it does, and when a transaction may do it. */
    private static OptionalInt sizeOfRead(List<Op> ops, int call) {
        boolean reads =
                ops.get(call) instanceof Op.Call(Op.Call.Target.OfHelper(Helper helper), var _) && reads(helper);
        for (int at = call - 1; reads && at >= 0; at--) {
            Op op = ops.get(at);
            if (Op.def(op) == OpBuilder.register(2).number()) {
                return op instanceof Op.Move(var _, Value.Constant(long size)) && isGoodSize(size)
                        ? OptionalInt.of((int) size)
                        : OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }

    private static boolean isGoodSize(long size) {
        boolean oneLoad = size == 1 || size == 2 || size == 4;
        return oneLoad || size > 0 && size <= LARGEST_READ && size % Long.BYTES == 0;
    }

    private static boolean ends(Op op) {
        return switch (op) {
            case Op.Call _, Op.Atomic _, Op.HashLookup _, Op.Row _ -> true;
            case Op.Pure _, Op.Store _, Op.TriedLoad _, Op.EndTransaction _, Op.Last _ -> false;
        };
    }

    /** Makes pieces of a block; the first one is the block itself. */
    private void cut(Block block, List<Piece> reads) {
        List<Op> ops = new ArrayList<>(block.ops());
        block.ops().clear();
        Block current = block;
        Kind kind = Kind.OPEN;
        int from = 0;
        for (int at = 0; at < ops.size(); at++) {
            OptionalInt size = sizeOfRead(ops, at);
            boolean closes = size.isEmpty() && kind == Kind.OPEN && ends(ops.get(at));
            if (size.isPresent() || closes) {
                int first = firstArgument(ops, at);
                Block next = first > from ? new Block(block.slot()) : current;
                if (next != current) {
                    current.ops().addAll(ops.subList(from, first));
                    current.ops().add(new Op.Goto(next));
                    add(current, kind, 0);
                    current = next;
                }
                from = first;
                kind = Kind.CLOSED;
            }
            if (size.isPresent()) {
                Block behind = new Block(block.slot());
                current.ops().addAll(ops.subList(from, at + 2));
                current.ops().add(new Op.Goto(behind));
                reads.add(add(current, Kind.READ, size.getAsInt()));
                current = behind;
                from = at + 2;
                kind = Kind.OPEN;
                at++;
            }
        }
        current.ops().addAll(ops.subList(from, ops.size()));
        add(current, kind, 0);
    }

    /** The index of the first move of an argument of the operation at an index, or that index. */
    private static int firstArgument(List<Op> ops, int at) {
        int first = at;
        while (first > 0
                && ops.get(first - 1) instanceof Op.Move move
                && move.dst().isFixed()) {
            first--;
        }
        return first;
    }

    private Piece add(Block block, Kind kind, int size) {
        Piece piece = new Piece(block, kind, size);
        pieces.put(block, piece);
        placed.add(block);
        return piece;
    }

    /** Outside of a transaction a read begins one. */
    private void begin(Piece read) {
        List<Op> ops = read.block.ops();
        Op.Last behind = read.block.last();
        Op.Last transaction = new Op.Transaction(read.inside.orElseThrow(), read.again.orElseThrow());
        ops.clear();
        switch (nearReads) {
            case LIKE_OTHERS -> ops.add(transaction);
            case IN_PLACE -> {
                Block near = new Block(read.block.slot());
                near.ops().addAll(plain(read.size));
                near.ops().add(behind);
                Block far = new Block(read.block.slot());
                far.ops().add(transaction);
                ops.add(new Op.Near(OpBuilder.register(ARGUMENTS), read.size, near, far));
                placed.addAll(placed.indexOf(read.block) + 1, List.of(near, far));
            }
        }
    }

    /** What the arguments say, by loads and stores. */
    private List<Op> plain(int size) {
        Var to = OpBuilder.register(1);
        Var from = OpBuilder.register(ARGUMENTS);
        MemSize unit = switch (Math.min(size, Long.BYTES)) {
            case 1 -> MemSize.B;
            case 2 -> MemSize.H;
            case 4 -> MemSize.W;
            default -> MemSize.DW;
        };
        List<Op> ops = new ArrayList<>();
        for (int at = 0; at < size; at += unit.bytes()) {
            Var word = flow.newVar();
            ops.add(new Op.TriedLoad(unit, word, from, at));
            ops.add(new Op.Store(unit, Place.at(to, at), word));
        }
        ops.add(new Op.Move(OpBuilder.register(0), new Value.Constant(0)));
        return ops;
    }

    /** Where a transaction goes on that comes to {@code block}. */
    private Block inside(Block block) {
        Piece piece = pieces.get(block);
        if (piece.inside.isEmpty()) {
            Block copy = new Block(block.slot());
            placedInside.add(copy);
            piece.inside = Optional.of(copy);
            open.add(() -> fillInside(piece, copy));
        }
        return piece.inside.get();
    }

    private void fillInside(Piece piece, Block copy) {
        switch (piece.kind) {
            case CLOSED -> {
                copy.ops().add(new Op.EndTransaction());
                copy.ops().add(new Op.Goto(piece.block));
            }
            case READ -> {
                copy.ops().addAll(plain(piece.size));
                copy.ops().add(retargeted(piece.block.last(), this::inside));
            }
            case OPEN -> {
                copy.ops().addAll(piece.block.ops());
                copy.setLast(retargeted(piece.block.last(), this::inside));
                if (piece.block.last() instanceof Op.Exit) {
                    copy.ops().add(copy.ops().size() - 1, new Op.EndTransaction());
                }
            }
        }
    }

    /** What goes on from {@code block} when a transaction has ended early and nothing has come yet that would have ended it. */
    private Block again(Block block) {
        Piece piece = pieces.get(block);
        if (piece.kind == Kind.CLOSED) {
            return block;
        }
        if (piece.again.isEmpty()) {
            Block copy = new Block(block.slot());
            placedAgain.add(copy);
            piece.again = Optional.of(copy);
            open.add(() -> {
                copy.ops().addAll(block.ops());
                copy.setLast(retargeted(block.last(), this::again));
            });
        }
        return piece.again.get();
    }

    private static Op.Last retargeted(Op.Last last, UnaryOperator<Block> mapping) {
        Op.Last retargeted = last;
        for (Block next : last.next()) {
            retargeted = retargeted.retarget(next, mapping.apply(next));
        }
        return retargeted;
    }
}
