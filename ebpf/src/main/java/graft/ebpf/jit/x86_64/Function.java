package graft.ebpf.jit.x86_64;

import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Block;
import graft.ebpf.jit.ir.Flow;
import graft.ebpf.jit.ir.FlowBuilder;
import graft.ebpf.jit.ir.Liveness;
import graft.ebpf.jit.ir.Op;
import graft.ebpf.jit.ir.Order;
import graft.ebpf.jit.ir.Transactions;
import graft.ebpf.jit.ir.Transactions.NearReads;
import graft.ebpf.jit.ir.Webs;
import graft.ebpf.jit.pass.Passes;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import graft.platform.asm.x86_64.Gpr;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** A function that is ready to be written. */
record Function(Flow flow, Allocation allocation, Frame frame, Order order, Liveness liveness) {
    private static final int BUDGET_BYTES = 8;
    private static final int RECORD_BYTES = 8;

    /** Improves a function as far as the machine's registers suffice. */
    static Function prepare(
            ProgSpec program,
            ProgSpec.Function function,
            Facts facts,
            TargetBinding binding,
            Set<MachineFeature> features) {
        Supplier<Flow> fresh = () -> {
            Flow flow = new FlowBuilder(program, function, facts, binding).build();
            if (features.contains(MachineFeature.RTM)) {
                Transactions.use(flow, binding.mainStack().isPresent() ? NearReads.IN_PLACE : NearReads.LIKE_OTHERS);
            }
            Webs.split(flow);
            return flow;
        };
        RunRecord record = RunRecord.of(program, facts, binding);
        int frameBytes = facts.frameBytes().getOrDefault(function.firstSlot(), 0);
        for (Passes.Registers registers : Passes.Registers.values()) {
            Flow improved = fresh.get();
            Passes.run(improved, binding, registers);
            Graph graph = Graph.of(improved, features);
            Optional<Allocation> allocation = Allocator.allocate(graph);
            if (allocation.isPresent()) {
                return of(graph, allocation.get(), frameBytes, record);
            }
        }
        Graph plain = Graph.of(fresh.get(), features);
        return of(plain, Allocator.atHome(plain), frameBytes, record);
    }

    /** A graph that does not change any more, with what the back end asks of it again and again. */
    record Graph(Flow flow, Order order, Liveness liveness, Set<MachineFeature> features) {
        static Graph of(Flow flow, Set<MachineFeature> features) {
            return new Graph(flow, Order.of(flow), Liveness.of(flow), features);
        }
    }

    private static Function of(Graph graph, Allocation allocation, int frameBytes, RunRecord record) {
        Flow flow = graph.flow();
        Set<Gpr> used = EnumSet.noneOf(Gpr.class);
        Frame.Shape shape = Frame.Shape.LEAF;
        boolean budget = false;
        boolean usesFrame = false;
        for (Block block : flow.blocks()) {
            List<Op> ops = block.ops();
            for (int at = 0; at < ops.size(); at++) {
                Op op = ops.get(at);
                int def = Op.def(op);
                if (def != Op.NONE) {
                    used.add(allocation.of(def));
                }
                shape = op instanceof Op.Call ? Frame.Shape.CALLS : shape;
                budget |= op instanceof Op.MayGoto;
                usesFrame |= FrameUse.of(op);
            }
        }
        boolean keepsRecord = record != RunRecord.NONE && shape == Frame.Shape.CALLS;
        Frame.Kept kept = new Frame.Kept(budget ? BUDGET_BYTES : 0, keepsRecord ? RECORD_BYTES : 0);
        Frame frame = Frame.of(Registers.saved(used), usesFrame ? frameBytes : 0, kept, shape);
        return new Function(flow, allocation, frame, graph.order(), graph.liveness());
    }
}
