package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.object.MapSpec;
import graft.ebpf.verifier.Value.Region.Kernel.Trust;
import graft.ebpf.verifier.Value.Resident;
import graft.ebpf.verifier.Value.Resident.Progress;
import graft.ebpf.verifier.Value.Resident.Thing;
import java.util.Map;

/** Open-coded iterators: {@code bpf_iter_TYPE_new}, {@code _next} and {@code _destroy}. */
final class Iterators {
    private static final String PREFIX = "bpf_iter_";

    /** Size in eight bytes, and the struct that next gives, empty for a number. */
    private record Kind(int parts, String gives) {}

    private static final Map<String, Kind> KINDS = Map.of(
            "num", new Kind(1, ""),
            "bits", new Kind(2, ""),
            "task", new Kind(3, "task_struct"),
            "task_vma", new Kind(1, "vm_area_struct"),
            "css", new Kind(3, "cgroup_subsys_state"),
            "css_task", new Kind(1, "task_struct"),
            "kmem_cache", new Kind(1, "kmem_cache"),
            "dmabuf", new Kind(1, "dma_buf"));

    private Iterators() {}

    static boolean isNext(String function) {
        return function.startsWith(PREFIX) && function.endsWith("_next") && KINDS.containsKey(type(function));
    }

    static boolean isIterator(String function) {
        return function.startsWith(PREFIX) && KINDS.containsKey(type(function));
    }

    private static String type(String function) {
        int end = function.lastIndexOf('_');
        return end > PREFIX.length() ? function.substring(PREFIX.length(), end) : "";
    }

    static void call(String function, Step step) {
        Kind kind = KINDS.get(type(function));
        StackObjects.Site site = StackObjects.site(step, Reg.R1, kind.parts());
        if (function.endsWith("_new")) {
            create(type(function), kind, step, site);
        } else if (function.endsWith("_next")) {
            next(kind, step, site, existing(function, step, site));
        } else {
            destroy(step, site, existing(function, step, site));
        }
    }

    private static Thing.Iterator existing(String function, Step step, StackObjects.Site site) {
        if (StackObjects.at(step, site, Reg.R1) instanceof Thing.Iterator iterator
                && iterator.type().equals(type(function))) {
            return iterator;
        }
        throw StackObjects.bad(Reg.R1, "r1 does not point to an iterator of this type", "pass the iterator itself");
    }

    private static void create(String type, Kind kind, Step step, StackObjects.Site site) {
        int reference = step.walk.origins().nextAt(step.slot);
        Thing.Iterator created = new Thing.Iterator(type, kind.parts(), reference, Progress.ACTIVE, 0);
        StackObjects.put(step, Reg.R1, site, created, kind.parts());
        step.state.acquire(reference);
        FrameTransfer.forgetArguments(step);
        step.state.set(Reg.R0, Scalar.signed(Integer.MIN_VALUE, Integer.MAX_VALUE));
    }

    /** Two ways: nothing is left, or there is one more and the loop goes round. */
    private static void next(Kind kind, Step step, StackObjects.Site site, Thing.Iterator iterator) {
        step.walk.visit(step.slot);
        FrameTransfer.forgetArguments(step);
        step.state.set(Reg.R0, Scalar.ZERO);
        if (iterator.progress() == Progress.ACTIVE) {
            int frame = frameOf(step.state, site);
            AbstractState round = step.fork(step.next());
            Thing.Iterator further = new Thing.Iterator(
                    iterator.type(), iterator.parts(), iterator.reference(), Progress.ACTIVE, iterator.depth() + 1);
            StackObjects.replace(new StackObjects.Site(round.frame(frame), site.slot()), further, iterator.parts());
            LoopRules.widen(step.walk.lastAt(step.slot), round);
            round.set(Reg.R0, given(kind, iterator, step));
        }
        Thing.Iterator drained = new Thing.Iterator(
                iterator.type(), iterator.parts(), iterator.reference(), Progress.DRAINED, iterator.depth());
        StackObjects.replace(site, drained, iterator.parts());
    }

    private static int frameOf(AbstractState state, StackObjects.Site site) {
        for (int depth = 0; depth < state.depth(); depth++) {
            if (state.frame(depth) == site.frame()) {
                return depth;
            }
        }
        throw new AssertionError("the frame of a site is one of the state's");
    }

    /** The number is in the iterator, so it goes with it. */
    private static Value given(Kind kind, Thing.Iterator iterator, Step step) {
        if (kind.gives().isEmpty()) {
            return Pointer.to(
                    new Value.Region.Memory("an iterator's number", 4, MapSpec.Access.READ_ONLY, iterator.reference()));
        }
        int type = KernelMemory.idOf(step, kind.gives());
        return Pointer.to(new Value.Region.Kernel(type, kind.gives(), Trust.TRUSTED, 0));
    }

    private static void destroy(Step step, StackObjects.Site site, Thing.Iterator iterator) {
        if (!step.state.release(iterator.reference())) {
            throw StackObjects.bad(Reg.R1, "the iterator is not in use", "destroy an iterator once");
        }
        StackObjects.remove(step, site, iterator, iterator.parts());
        StackObjects.forgetSlices(step.state, iterator.reference());
        FrameTransfer.forgetArguments(step);
        step.state.set(Reg.R0, Value.Nothing.UNINITIALISED);
    }

    /** Before a call of next: whether the iterator may still give something. */
    static boolean mayHaveMore(AbstractState state) {
        return state.get(Reg.R1) instanceof Pointer(Value.Region.Stack(var frame), Scalar offset, var _)
                && offset.isConstant()
                && offset.wide().smin() < 0
                && state.frame(frame)
                                .slot(StackMemory.slotOf(offset.constant()))
                                .spilled()
                        instanceof Resident(Thing.Iterator iterator, var _)
                && iterator.progress() == Progress.ACTIVE;
    }

    /** Whether every iterator of two states is at the same round. */
    static boolean sameDepths(AbstractState left, AbstractState right) {
        return left.depth() == right.depth() && rounds(left) == rounds(right);
    }

    private static long rounds(AbstractState state) {
        long sum = 0;
        for (int depth = 0; depth < state.depth(); depth++) {
            Frame frame = state.frame(depth);
            for (int slot = 0; slot < frame.slotCount(); slot++) {
                if (frame.slot(slot).spilled() instanceof Resident(Thing.Iterator iterator, var part) && part == 0) {
                    sum += iterator.depth();
                }
            }
        }
        return sum;
    }
}
