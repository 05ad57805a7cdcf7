package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/** Writes one function: its blocks in order, one emitter per class of operation. */
final class FunctionEmitter {
    private final Emission emission;
    private final X64Assembler asm;
    private final CallEmitter call;
    private final HashEmitter hash;
    private final AluEmitter alu;
    private final MemoryEmitter memory;
    private final BranchEmitter branch;
    private final ReadEmitter reads;
    private final boolean savesCounts;
    private Layout layout = new Layout(List.of());
    private Optional<Layout> before = Optional.empty();

    FunctionEmitter(Emission emission, CallEmitter call) {
        this.emission = emission;
        this.asm = emission.asm();
        this.call = call;
        this.hash = new HashEmitter(emission);
        this.alu = new AluEmitter(emission);
        this.memory = new MemoryEmitter(emission);
        this.branch = new BranchEmitter(emission);
        this.reads = new ReadEmitter(emission);
        this.savesCounts = !emission.has(MachineFeature.BMI2);
    }

    /**
     * Writes {@code function}.
     *
     * @param earlier what an earlier pass over the same function found out
     */
    Layout function(Function function, Optional<Layout> earlier) {
        Flow flow = function.flow();
        layout = new Layout(flow.blocks());
        before = earlier;
        emission.enter(function.frame(), function.allocation());
        asm.bind(emission.entry(flow.slot()));
        function.frame().saved().forEach(asm::push);
        if (function.frame().allocated() != 0) {
            asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, function.frame().allocated());
        }
        branch.startBudget();
        call.keepRecord();
        List<Block> blocks = flow.blocks();
        BitSet tops = tops(blocks, function.order());
        for (Block block : blocks) {
            if (tops.get(block.number())) {
                layout.pad();
                asm.align(Layout.ALIGNMENT);
            }
            asm.bind(layout.label(block));
            layout.start(block, asm.position());
            block(block, function.liveness());
            last(block);
            layout.end(block, asm.position());
        }
        return layout;
    }

    /** The number of the first block of each loop; that need not be the one where it is entered. */
    private static BitSet tops(List<Block> blocks, Order order) {
        BitSet tops = new BitSet();
        for (Order.Loop loop : order.loops()) {
            int first = 0;
            while (!loop.contains(blocks.get(first))) {
                first++;
            }
            tops.set(first);
        }
        return tops;
    }

    private void block(Block block, Liveness liveness) {
        List<Op> ops = block.ops();
        int first = 0;
        while (first < ops.size() && !savesRegisters(ops.get(first))) {
            first++;
        }
        VarSet[] live = first == ops.size() ? new VarSet[0] : liveBehind(block, first, liveness);
        for (int at = 0; at < ops.size() - 1; at++) {
            if (at < live.length && live[at] != null) {
                emission.startOp(live[at]);
            }
            op(ops.get(at));
        }
    }

    /** For operations from {@code first} on that may have to save a register: what is read behind them. */
    private VarSet[] liveBehind(Block block, int first, Liveness liveness) {
        List<Op> ops = block.ops();
        VarSet[] behind = new VarSet[ops.size()];
        VarSet live = liveness.after(block);
        for (int at = ops.size() - 1; at >= first; at--) {
            if (savesRegisters(ops.get(at))) {
                behind[at] = live.copy();
            }
            Liveness.step(ops.get(at), live);
        }
        return behind;
    }

    private boolean savesRegisters(Op op) {
        if (op instanceof Op.Binary binary) {
            return switch (binary.op()) {
                case DIV, MOD, SDIV, SMOD -> true;
                case LSH, RSH, ARSH -> savesCounts && binary.right() instanceof Var;
                case ADD, SUB, MUL, OR, AND, XOR, MOV -> false;
            };
        }
        return op instanceof Op.Atomic; // the rest changes nothing but its result
    }

    private void op(Op op) {
        switch (op) {
            case Op.Move move -> emission.move(emission.of(move.dst()), move.src());
            case Op.Binary binary -> alu.binary(binary);
            case Op.Unary unary -> alu.unary(unary);
            case Op.Rotate rotate -> alu.rotate(rotate);
            case Op.Lea lea -> memory.lea(lea);
            case Op.Load load -> memory.load(load);
            case Op.Store store -> memory.store(store);
            case Op.Atomic atomic -> memory.atomic(atomic);
            case Op.Select select -> branch.select(select);
            case Op.ArrayLookup lookup -> call.arrayLookup(lookup);
            case Op.HashLookup lookup -> hash.lookup(lookup);
            case Op.Row row -> call.row(row);
            case Op.BelowContextValue value -> call.belowContext(value);
            case Op.ThreadValue value -> call.threadValue(value);
            case Op.Call one -> call.call(one);
            case Op.TriedLoad load -> memory.tried(load);
            case Op.EndTransaction _ -> asm.plain(Plain.XEND);
            case Op.Last last -> throw new AssertionError("in the middle of a block: " + last);
        }
    }

    private void last(Block block) {
        switch (block.last()) {
            case Op.Goto(Block to) -> go(block, to);
            case Op.If(var condition, Block yes, Block no) -> go(block, branch.compare(condition), yes, no);
            case Op.MayGoto(Block on, Block out) -> go(block, branch.useBudget(), out, on);
            case Op.Near near -> go(block, reads.near(near, layout.label(near.near())), near.far(), near.near());
            case Op.Transaction transaction -> {
                reads.begin(layout.label(transaction.again()));
                go(block, transaction.inside());
            }
            case Op.Exit _ -> exit();
        }
    }

    private void go(Block from, Block to) {
        if (!follows(to, from)) {
            asm.jmp(layout.label(to), reach(from, to));
        }
    }

    private void go(Block from, Cond cond, Block yes, Block no) {
        if (follows(yes, from)) {
            asm.jcc(cond.negate(), layout.label(no), reach(from, no));
        } else {
            asm.jcc(cond, layout.label(yes), reach(from, yes));
            go(from, no);
        }
    }

    private static boolean follows(Block next, Block block) {
        return next.number() == block.number() + 1;
    }

    private Reach reach(Block from, Block to) {
        return before.isPresent() ? before.get().reach(from, to) : Reach.NEAR;
    }

    private void exit() {
        Frame frame = emission.frame();
        if (frame.allocated() != 0) {
            asm.op(Arith.ADD, OpSize.Q, Gpr.RSP, frame.allocated());
        }
        frame.saved().reversed().forEach(asm::pop);
        asm.plain(Plain.RET);
    }
}
