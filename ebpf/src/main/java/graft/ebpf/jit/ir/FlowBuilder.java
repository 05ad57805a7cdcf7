package graft.ebpf.jit.ir;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.jit.CompiledProgram;
import graft.ebpf.jit.CompiledProgram.BelowContext;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * From the instructions of one function to a graph over the eBPF registers; {@link Webs} tells their live ranges apart
 * afterwards. What the verifier never reached is left out.
 */
public final class FlowBuilder {
    private static final int ARGUMENTS = 5;

    /** What the whole program is called with: see {@link graft.ebpf.jit.ProgramCompiler}. */
    private static final int CONTEXT_AND_SIZE = 2;

    private final InsnList insns;
    private final Facts facts;
    private final TargetBinding binding;
    private final ProgSpec.Function function;

    /** By the distance from the function's first slot, up to the slot behind its last; empty where no block begins. */
    private final Block[] blocks;

    /** In the order of the code. */
    private final List<Block> all = new ArrayList<>();

    private final OpBuilder ops = new OpBuilder();
    private final ArenaOps arena;
    private final BitSet leaders;
    private final OwnValueChanges changes;

    /** For one function of {@code program}. */
    public FlowBuilder(ProgSpec program, ProgSpec.Function function, Facts facts, TargetBinding binding) {
        this.insns = program.insns();
        this.function = function;
        this.facts = facts;
        this.binding = binding;
        this.arena = new ArenaOps(facts.arena(), ops);
        this.leaders = leaders();
        this.blocks = new Block[function.slots() + 1];
        this.changes = OwnValueChanges.of(
                insns, facts.ownValues(), leaders, function.firstSlot(), function.firstSlot() + function.slots());
    }

    /** The graph. */
    public Flow build() {
        int first = function.firstSlot();
        for (int slot = leaders.nextSetBit(0); slot >= 0; slot = leaders.nextSetBit(slot + 1)) {
            blocks[slot - first] = new Block(slot);
        }
        Block entry = new Block(first);
        int parameters = first == 0 ? CONTEXT_AND_SIZE : ARGUMENTS;
        for (int i = 1; i <= parameters; i++) {
            entry.ops().add(new Op.Move(OpBuilder.register(i), Var.fixed(i)));
        }
        entry.ops().add(new Op.Goto(at(first)));
        all.add(entry);
        for (int slot = leaders.nextSetBit(0); slot >= 0; slot = leaders.nextSetBit(slot + 1)) {
            all.add(at(slot));
            fill(at(slot));
        }
        return new Flow(first, all, ops.vars());
    }

    /** The block that begins at {@code slot}. */
    private Block at(int slot) {
        return blocks[slot - function.firstSlot()];
    }

    private BitSet leaders() {
        int end = function.firstSlot() + function.slots();
        BitSet found = new BitSet();
        found.set(function.firstSlot());
        for (int slot = function.firstSlot(); slot < end; slot++) {
            if (reached(slot)) {
                mark(slot, found);
            }
        }
        for (int slot = found.nextSetBit(0); slot >= 0; slot = found.nextSetBit(slot + 1)) {
            found.set(slot, reached(slot));
        }
        return found;
    }

    private boolean reached(int slot) {
        return insns.startsAt(slot) && facts.reachable().get(slot);
    }

    private void mark(int slot, BitSet leaders) {
        int next = slot + 1;
        switch (insns.at(slot)) {
            case Insn.Jump(var _, int distance) -> leaders.set(next + distance);
            case Insn.Branch branch -> {
                leaders.set(next + branch.distance());
                leaders.set(next);
            }
            case Insn.MayGoto(short distance) -> {
                leaders.set(next + distance);
                leaders.set(next);
            }
            default -> {} // nothing else goes anywhere but on
        }
    }

    private void fill(Block block) {
        List<Op> out = block.ops();
        int slot = block.slot();
        while (out.isEmpty() || !(out.getLast() instanceof Op.Last)) {
            if (slot != block.slot() && leaders.get(slot)) {
                out.add(new Op.Goto(at(slot)));
                return;
            }
            Insn insn = insns.at(slot);
            if (arena.isAccess(slot)) {
                ArenaOps.Blocks access = arena.access(slot, insn, out);
                all.addAll(access.all());
                out = access.done().ops();
            } else if (!changes.isDone(slot)) {
                Optional<OwnValueChanges.Change> change = changes.at(slot);
                if (change.isPresent()) {
                    ops.change(change.get(), out);
                } else {
                    insn(slot, insn, out);
                }
            }
            slot += insn.slots();
        }
    }

    private void insn(int slot, Insn insn, List<Op> out) {
        int next = slot + 1;
        switch (insn) {
            case Insn.Jump(var _, int distance) -> out.add(new Op.Goto(at(next + distance)));
            case Insn.Branch branch -> branch(slot, branch, out);
            case Insn.MayGoto(short distance) -> out.add(new Op.MayGoto(at(next), at(next + distance)));
            case Insn.Exit _ -> {
                out.add(new Op.Move(Var.fixed(0), OpBuilder.register(0)));
                out.add(new Op.Exit());
            }
            case Insn.CallHelper(int number) ->
                helper(slot, Helper.byNumber(number).orElseThrow(), out);
            case Insn.CallLocal(int distance) -> call(new Op.Call.Target.OfFunction(next + distance), ARGUMENTS, out);
            case Insn.Alu alu -> alu(slot, alu, out);
            case Insn.CastAddress cast -> arena.cast(cast, out);
            case Insn.Neg neg -> ops.neg(neg, out);
            case Insn.MoveSigned move -> ops.moveSigned(move, out);
            case Insn.Swap swap -> ops.swap(swap, out);
            case Insn.LoadWide wide -> wide(wide, out);
            case Insn.Load load -> ops.load(load, out);
            case Insn.Store store -> ops.store(store, out);
            case Insn.Atomic atomic -> ops.atomic(atomic, out);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                ops.load(new Insn.Load(size, Extension.ZERO, dst, base, offset), out);
            case Insn.StoreRelease(var size, var base, var offset, var src) ->
                ops.store(new Insn.Store(size, base, offset, new Operand.Src(src)), out);
            case Insn.CallKernelFunction(String name) ->
                helper(slot, Helper.function(name).orElseThrow(), out);
            case Insn.Poison _ -> throw new AssertionError("instruction " + slot + " was not refused: " + insn);
        }
    }

    private void alu(int slot, Insn.Alu alu, List<Op> out) {
        ops.alu(alu, out);
        if (arena.isArithmetic(slot)) {
            Var result = OpBuilder.register(alu.dst());
            out.add(new Op.Unary(UnaryOp.ZERO_EXTEND_32, result, result));
        }
    }

    private void wide(Insn.LoadWide wide, List<Op> out) {
        Optional<Value> kept = arena.address(wide.value());
        if (kept.isPresent()) {
            out.add(new Op.Move(OpBuilder.register(wide.dst()), kept.get()));
        } else {
            ops.wide(wide, out);
        }
    }

    private void branch(int slot, Insn.Branch branch, List<Op> out) {
        boolean taken = facts.takenBranches().get(slot);
        boolean fallen = facts.fallenBranches().get(slot);
        Block target = at(slot + 1 + branch.distance());
        Block next = at(slot + 1);
        if (taken && fallen && target != next) {
            out.add(new Op.If(ops.condition(branch, out), target, next));
        } else {
            out.add(new Op.Goto(taken ? target : next));
        }
    }

    private void helper(int slot, Helper helper, List<Op> out) {
        Optional<String> map = Optional.ofNullable(facts.mapOfCall().get(slot));
        Optional<MapBinding> bound = map.map(binding.maps()::get);
        if (!InlineHelpers.contains(helper, bound, binding)) {
            if (helper == Helper.TIMER_SET_CALLBACK) { // runs elsewhere: its address here is of no use
                int function = facts.timerFunctions().get(slot);
                out.add(new Op.Move(OpBuilder.register(2), new Value.Constant(function)));
            }
            call(target(helper, map, bound), helper.parameters(), out);
            return;
        }
        Var result = OpBuilder.register(0);
        switch (helper) {
            case GET_FUNC_IP ->
                out.add(new Op.BelowContextValue(result, BelowContext.FUNCTION_IP, OpBuilder.register(1)));
            case GET_ATTACH_COOKIE ->
                out.add(new Op.BelowContextValue(result, BelowContext.ATTACH_COOKIE, OpBuilder.register(1)));
            case OVERRIDE_RETURN -> override(result, out);
            case MAP_LOOKUP_ELEM -> lookup(map.orElseThrow(), bound.orElseThrow(), out);
            case LOOP -> call(new Op.Call.Target.OfLoop(), helper.parameters(), out);
            case TAIL_CALL -> call(new Op.Call.Target.OfProgram(map.orElseThrow()), helper.parameters(), out);
            default -> out.add(new Op.ThreadValue(result, helper)); // the rest of InlineHelpers
        }
    }

    private Op.Call.Target target(Helper helper, Optional<String> map, Optional<MapBinding> bound) {
        boolean inPlace = helper == Helper.RINGBUF_RESERVE
                && bound.isPresent()
                && bound.get().number().isPresent()
                && binding.tgid().isPresent()
                && binding.tidOffset().isPresent();
        return inPlace ? new Op.Call.Target.OfReserve(map.orElseThrow()) : new Op.Call.Target.OfHelper(helper);
    }

    private static void override(Var result, List<Op> out) {
        Var context = OpBuilder.register(1);
        Place value = Place.at(context, CompiledProgram.OVERRIDING_RESULT);
        out.add(new Op.Store(MemSize.DW, value, OpBuilder.register(2)));
        Place runs = Place.at(context, CompiledProgram.FUNCTION_RUNS);
        out.add(new Op.Store(MemSize.DW, runs, new Value.Constant(0)));
        out.add(new Op.Move(result, new Value.Constant(0)));
    }

    private void lookup(String map, MapBinding bound, List<Op> out) {
        Var result = OpBuilder.register(0);
        Var key = ops.newVar();
        Place place = Place.at(ops.operand(Reg.R2, out), 0);
        if (bound.hash().isPresent()) {
            boolean wide = bound.hash().get().keySize() == Long.BYTES;
            out.add(new Op.Load(wide ? MemSize.DW : MemSize.W, Extension.ZERO, key, place));
            out.add(new Op.HashLookup(result, map, key, row(map, bound, out)));
            return;
        }
        out.add(new Op.Load(MemSize.W, Extension.ZERO, key, place));
        out.add(new Op.ArrayLookup(result, map, key, row(map, bound, out)));
    }

    private Optional<Var> row(String map, MapBinding bound, List<Op> out) {
        Optional<Var> row = bound.rows().map(_ -> ops.newVar());
        row.ifPresent(var -> out.add(new Op.Row(var, map)));
        return row;
    }

    private static void call(Op.Call.Target target, int parameters, List<Op> out) {
        List<Var> arguments = new ArrayList<>();
        for (int i = 1; i <= parameters; i++) {
            out.add(new Op.Move(Var.fixed(i), OpBuilder.register(i)));
            arguments.add(Var.fixed(i));
        }
        out.add(new Op.Call(target, arguments));
        out.add(new Op.Move(OpBuilder.register(0), Var.fixed(0)));
    }
}
