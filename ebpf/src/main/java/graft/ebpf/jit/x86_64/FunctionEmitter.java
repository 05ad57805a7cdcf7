package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Cond;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.Plain;
import graft.platform.asm.x86_64.Reach;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Writes one function: its blocks in order, one emitter per class of operation. */
final class FunctionEmitter {
    private final Emission emission;
    private final X64Assembler asm;
    private final CallEmitter call;
    private final HashEmitter hash;
    private final AluEmitter alu;
    private final MemoryEmitter memory;
    private final BranchEmitter branch;
    private final Layout layout;
    private final Optional<Layout> before;

    /** @param before what an earlier pass over the same functions found out */
    FunctionEmitter(Emission emission, CallEmitter call, Layout layout, Optional<Layout> before) {
        this.emission = emission;
        this.asm = emission.asm();
        this.call = call;
        this.hash = new HashEmitter(emission);
        this.alu = new AluEmitter(emission);
        this.memory = new MemoryEmitter(emission);
        this.branch = new BranchEmitter(emission);
        this.layout = layout;
        this.before = before;
    }

    void function(Function function) {
        Flow flow = function.flow();
        emission.enter(function.frame(), function.allocation());
        asm.bind(emission.entry(flow.slot()));
        function.frame().saved().forEach(asm::push);
        if (function.frame().allocated() != 0) {
            asm.op(Arith.SUB, OpSize.Q, Gpr.RSP, function.frame().allocated());
        }
        branch.startBudget();
        call.keepCounter();
        List<Block> blocks = flow.blocks();
        Set<Block> tops = tops(blocks, function.order());
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            if (tops.contains(block)) {
                layout.pad();
                asm.align(Layout.ALIGNMENT);
            }
            asm.bind(layout.label(block));
            layout.start(block, asm.position());
            block(block, function.liveness());
            last(block, i + 1 < blocks.size() ? Optional.of(blocks.get(i + 1)) : Optional.empty());
            layout.end(block, asm.position());
        }
    }

    /** The first block of each loop; that need not be the one where it is entered. */
    private static Set<Block> tops(List<Block> blocks, Order order) {
        if (order.loops().isEmpty()) {
            return Set.of();
        }
        Set<Block> tops = new HashSet<>();
        for (Order.Loop loop : order.loops()) {
            blocks.stream().filter(loop::contains).findFirst().ifPresent(tops::add);
        }
        return tops;
    }

    private void block(Block block, Liveness liveness) {
        List<Op> ops = block.ops();
        BitSet[] live = liveBehind(block, liveness);
        for (int at = 0; at < ops.size() - 1; at++) {
            if (live[at] != null) {
                emission.startOp(live[at]);
            }
            op(ops.get(at));
        }
    }

    /** For operations that may have to save a register: what is read behind them. */
    private static BitSet[] liveBehind(Block block, Liveness liveness) {
        List<Op> ops = block.ops();
        BitSet[] behind = new BitSet[ops.size()];
        int first = 0;
        while (first < ops.size() && !savesRegisters(ops.get(first))) {
            first++;
        }
        if (first == ops.size()) {
            return behind;
        }
        BitSet live = liveness.after(block);
        for (int at = ops.size() - 1; at >= first; at--) {
            if (savesRegisters(ops.get(at))) {
                behind[at] = (BitSet) live.clone();
            }
            Liveness.step(ops.get(at), live);
        }
        return behind;
    }

    private static boolean savesRegisters(Op op) {
        return switch (op) {
            case Op.Binary binary ->
                switch (binary.op()) {
                    case DIV, MOD, SDIV, SMOD, LSH, RSH, ARSH -> true;
                    case ADD, SUB, MUL, OR, AND, XOR, MOV -> false;
                };
            case Op.Atomic _ -> true;
            default -> false; // the rest changes nothing but its result
        };
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
            case Op.Last last -> throw new AssertionError("in the middle of a block: " + last);
        }
    }

    private void last(Block block, Optional<Block> next) {
        switch (block.last()) {
            case Op.Goto(Block to) -> go(block, to, next);
            case Op.If(var condition, Block yes, Block no) -> go(block, branch.compare(condition), yes, no, next);
            case Op.MayGoto(Block on, Block out) -> go(block, branch.useBudget(), out, on, next);
            case Op.Exit _ -> exit();
        }
    }

    private void go(Block from, Block to, Optional<Block> next) {
        if (!next.equals(Optional.of(to))) {
            asm.jmp(layout.label(to), reach(from, to));
        }
    }

    private void go(Block from, Cond cond, Block yes, Block no, Optional<Block> next) {
        if (next.equals(Optional.of(yes))) {
            asm.jcc(cond.negate(), layout.label(no), reach(from, no));
        } else {
            asm.jcc(cond, layout.label(yes), reach(from, yes));
            go(from, no, next);
        }
    }

    private Reach reach(Block from, Block to) {
        return before.map(first -> first.reach(from, to)).orElse(Reach.NEAR);
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
