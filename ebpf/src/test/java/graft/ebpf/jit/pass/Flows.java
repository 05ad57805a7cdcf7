package graft.ebpf.jit.pass;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.TargetBinding.MapBinding;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.FlowBuilder;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Webs;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.verifier.Facts;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Small functions for the tests of passes. */
final class Flows {
    static final Insn EXIT = new Insn.Exit();
    static final TargetBinding COUNTS = new TargetBinding(
            Map.of("counts", new MapBinding(MapType.ARRAY, 64, 0x1000, 10, 8)),
            Map.of(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            OptionalInt.empty());

    private Flows() {}

    static Insn alu(AluOp op, Reg dst, int value) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Imm(value));
    }

    static Insn alu(AluOp op, Reg dst, Reg src) {
        return new Insn.Alu(op, Width.W64, dst, new Operand.Src(src));
    }

    static Insn alu32(AluOp op, Reg dst, int value) {
        return new Insn.Alu(op, Width.W32, dst, new Operand.Imm(value));
    }

    static Insn load(MemSize size, Reg dst, Reg base, int offset) {
        return new Insn.Load(size, Extension.ZERO, dst, base, (short) offset);
    }

    static Insn store(MemSize size, Reg base, int offset, Reg value) {
        return new Insn.Store(size, base, (short) offset, new Operand.Src(value));
    }

    static Insn branch(JumpOp op, Reg left, int right, int distance) {
        return new Insn.Branch(op, Width.W64, left, new Operand.Imm(right), (short) distance);
    }

    /** The function as the front end makes it; lookups are in the map {@code counts}. */
    static Flow of(Insn... insns) {
        InsnList list = InsnList.of(insns);
        BitSet all = new BitSet();
        all.set(0, list.slots());
        Map<Integer, String> lookups = new java.util.HashMap<>();
        for (int slot = 0; slot < list.slots(); slot++) {
            if (list.startsAt(slot) && list.at(slot) instanceof Insn.CallHelper) {
                lookups.put(slot, "counts");
            }
        }
        Facts facts = new Facts(
                new BitSet(),
                Facts.ContextUse.FIELDS_ONLY,
                Set.of(),
                lookups,
                Map.of(0, 64),
                64,
                1,
                0,
                all,
                all,
                all,
                Facts.ArenaUse.NONE,
                Facts.OwnValues.NONE);
        ProgSpec.Function main = new ProgSpec.Function("main", 0, list.slots(), 0);
        ProgSpec program = new ProgSpec(
                "test", "uprobe", ProgType.UPROBE, Optional.empty(), list, List.of(main), List.of(), "GPL");
        Flow flow = new FlowBuilder(program, main, facts, COUNTS).build();
        Webs.split(flow);
        return flow;
    }

    static Flow after(Pass pass, Flow flow) {
        pass.run(flow);
        return flow;
    }

    /** One walk of {@code rewrite} behind copies, and nothing unused left. */
    static Flow after(Rewrite rewrite, Flow flow) {
        new Rewriting(new Copies(), rewrite).run(flow, TargetBinding.NONE);
        new DeadCode().run(flow);
        return flow;
    }

    static List<Op> ops(Flow flow) {
        return flow.blocks().stream().flatMap(block -> block.ops().stream()).toList();
    }

    /** All operations of one kind. */
    static <T extends Op> List<T> ops(Flow flow, Class<T> kind) {
        return ops(flow).stream().filter(kind::isInstance).map(kind::cast).toList();
    }
}
