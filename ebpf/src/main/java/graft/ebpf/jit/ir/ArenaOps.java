package graft.ebpf.jit.ir;

import graft.ebpf.insn.AddressCast;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.verifier.Facts;
import java.util.List;
import java.util.Optional;

/**
 * Accesses to an arena: the address is a number below 4 GiB, made into a distance from the arena's first byte. When it is
 * not inside, a load gives 0 and everything else does nothing, as with the kernel's pages that are not there.
 *
 * <pre>
 *   distance = address + offset - low half of the start
 *   if distance > last goto outside        (without a sign: before the start is outside too)
 *   inside:  access at data + distance; goto done
 *   outside: result = 0; goto done
 * </pre>
 */
final class ArenaOps {
    private final Facts.ArenaUse use;
    private final OpBuilder ops;

    ArenaOps(Facts.ArenaUse use, OpBuilder ops) {
        this.use = use;
        this.ops = ops;
    }

    /** The blocks of one access, in order; the block before goes to one of the first two. */
    record Blocks(Block inside, Block outside, Block done) {
        static Blocks at(int slot) {
            return new Blocks(new Block(slot), new Block(slot), new Block(slot));
        }

        List<Block> all() {
            return List.of(inside, outside, done);
        }
    }

    boolean isAccess(int slot) {
        return use.accesses().get(slot);
    }

    boolean isArithmetic(int slot) {
        return use.arithmetic().get(slot);
    }

    /** Where an instruction's symbol is an address to keep. */
    Optional<Value> address(Wide wide) {
        return wide instanceof Wide.MapValue(String map, long offset) && map.equals(use.map())
                ? Optional.of(new Value.Constant(use.area().start() + offset))
                : Optional.empty();
    }

    Blocks access(int slot, Insn insn, List<Op> out) {
        Blocks blocks = Blocks.at(slot);
        List<Op> inside = blocks.inside().ops();
        switch (insn) {
            case Insn.Load load -> load(load, blocks, out);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                load(new Insn.Load(size, Extension.ZERO, dst, base, offset), blocks, out);
            case Insn.Store store ->
                ops.store(store, branch(new Target(store.base(), store.offset(), store.size()), blocks, out), inside);
            case Insn.StoreRelease(var size, var base, var offset, var src) -> {
                Insn.Store store = new Insn.Store(size, base, offset, new Operand.Src(src));
                ops.store(store, branch(new Target(base, offset, size), blocks, out), inside);
            }
            case Insn.Atomic(var _, var _, MemSize size, Reg base, short offset, var _) ->
                ops.atomic((Insn.Atomic) insn, branch(new Target(base, offset, size), blocks, out), inside);
            default -> throw new AssertionError("no access: " + insn);
        }
        inside.add(new Op.Goto(blocks.done()));
        blocks.outside().ops().add(new Op.Goto(blocks.done()));
        return blocks;
    }

    private void load(Insn.Load load, Blocks blocks, List<Op> out) {
        Place place = branch(new Target(load.base(), load.offset(), load.size()), blocks, out);
        OpBuilder.load(load, place, blocks.inside().ops());
        blocks.outside().ops().add(new Op.Move(OpBuilder.register(load.dst()), new Value.Constant(0)));
    }

    /** What an access asks for. */
    private record Target(Reg base, short offset, MemSize size) {}

    /** Goes inside or outside, and tells where the place is for those who are inside. */
    private Place branch(Target target, Blocks blocks, List<Op> out) {
        ArenaArea area = use.area();
        Var distance = ops.newVar();
        Value behind = immediate(target.offset() - area.low(), out);
        out.add(new Op.Binary(AluOp.ADD, Width.W64, distance, OpBuilder.register(target.base()), behind));
        Value last = immediate(area.bytes() - target.size().bytes(), out);
        Condition outside = new Condition(JumpOp.JGT, Width.W64, distance, last);
        out.add(new Op.If(outside, blocks.outside(), blocks.inside()));
        return new Place(new Value.Symbol(new Wide.MapValue(use.map(), 0)), Optional.of(distance), 1, 0);
    }

    private Value immediate(long number, List<Op> out) {
        Value.Constant constant = new Value.Constant(number);
        if (constant.isImmediate()) {
            return constant;
        }
        Var var = ops.newVar();
        out.add(new Op.Move(var, constant));
        return var;
    }

    void cast(Insn.CastAddress insn, List<Op> out) {
        Var dst = OpBuilder.register(insn.dst());
        Var src = ops.variable(insn.src(), out);
        long high = use.area().keptHigh();
        if (insn.cast() == AddressCast.TO_ACCESS || high == 0) {
            out.add(new Op.Unary(UnaryOp.ZERO_EXTEND_32, dst, src));
            return;
        }
        Var low = ops.newVar();
        Var kept = ops.newVar();
        out.add(new Op.Unary(UnaryOp.ZERO_EXTEND_32, low, src));
        out.add(new Op.Binary(AluOp.OR, Width.W64, kept, low, immediate(high, out)));
        Condition none = new Condition(JumpOp.JEQ, Width.W64, low, new Value.Constant(0));
        out.add(new Op.Select(dst, none, new Value.Constant(0), kept));
    }
}
