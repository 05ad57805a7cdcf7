package graft.ebpf.verifier;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.Wide;
import graft.ebpf.object.MapType;

/** The effect of one kind of instruction on a path. */
@FunctionalInterface
interface Transfer<I extends Insn> {
    void apply(I insn, Step step);

    /** Applies the transfer of the instruction's kind: the only place that knows all kinds. */
    static void dispatch(Insn insn, Step step) {
        switch (insn) {
            case Insn.Alu alu -> AluTransfer.ARITHMETIC.apply(alu, step);
            case Insn.Neg neg -> AluTransfer.NEGATION.apply(neg, step);
            case Insn.MoveSigned move -> AluTransfer.SIGNED_MOVE.apply(move, step);
            case Insn.CastAddress cast -> Arenas.CAST.apply(cast, step);
            case Insn.Swap swap -> AluTransfer.BYTE_SWAP.apply(swap, step);
            case Insn.LoadWide wide -> WIDE.apply(wide, step);
            case Insn.Load load -> MemoryTransfer.LOAD.apply(load, step);
            case Insn.Store store -> MemoryTransfer.STORE.apply(store, step);
            case Insn.Atomic atomic -> AtomicTransfer.READ_MODIFY_WRITE.apply(atomic, step);
            case Insn.LoadAcquire load -> AtomicTransfer.LOAD_ACQUIRE.apply(load, step);
            case Insn.StoreRelease store -> AtomicTransfer.STORE_RELEASE.apply(store, step);
            case Insn.Jump jump -> step.goTo(step.next() + jump.distance());
            case Insn.Branch branch -> BranchTransfer.BRANCH.apply(branch, step);
            case Insn.MayGoto loop -> LoopRules.mayGoto(loop, step);
            case Insn.CallHelper call -> HelperTransfer.CALL.apply(call, step);
            case Insn.CallLocal call -> FrameTransfer.CALL.apply(call, step);
            case Insn.CallKernelFunction call -> KernelFunctions.CALL.apply(call, step);
            case Insn.Exit exit -> FrameTransfer.EXIT.apply(exit, step);
            case Insn.Poison poison ->
                throw new Refused(Finding.of(
                        Cause.UNRESOLVED_RELOCATION,
                        poison.reason(),
                        "guard the access with bpf_core_field_exists or bpf_core_type_exists"));
        }
    }

    /** {@code lddw}. */
    Transfer<Insn.LoadWide> WIDE = (insn, step) -> step.write(
            insn.dst(),
            switch (insn.value()) {
                case Wide.Constant(var value) -> Scalar.constant(value);
                case Wide.MapPointer(var map) -> mapObject(step, map);
                case Wide.MapValue(var map, var offset) -> directValue(step, map, offset);
                case Wide.Function(var slot) -> function(step, slot);
                case Wide.KernelSymbol(var name) -> KernelSymbols.load(step, name);
            });

    private static Value function(Step step, int slot) {
        if (step.walk.globals().isGlobal(slot)) {
            throw new Refused(Finding.of(
                    Cause.BAD_ARGUMENT,
                    "the function at insn " + slot + " is global, and its address is taken",
                    "make it static, as helpers call no other ones"));
        }
        return Pointer.to(new Value.Region.Function(slot));
    }

    private static Value directValue(Step step, String name, long offset) {
        var map = step.walk.map(name);
        if (map.type() == MapType.ARENA) {
            return Arenas.address(map, offset);
        }
        if (!Maps.hasDirectValue(map) || offset < 0 || offset >= map.valueSize()) {
            throw new Refused(Finding.of(
                    Cause.OUT_OF_BOUNDS,
                    "map " + name + " has no value with an offset " + offset,
                    "recompile the object"));
        }
        LockRules.requireAllowed(step, map);
        return Pointer.to(new Value.Region.MapValue(map, 0)).moved(Scalar.constant(offset));
    }

    private static Value mapObject(Step step, String name) {
        var map = step.walk.map(name);
        LockRules.requireAllowed(step, map);
        return Pointer.to(new Value.Region.MapObject(map, 0));
    }
}
