package graft.ebpf.jit.x86_64;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.jit.Linkage;
import graft.ebpf.jit.TargetBinding;
import graft.ebpf.jit.ir.Place;
import graft.ebpf.jit.ir.Value;
import graft.ebpf.jit.ir.Var;
import graft.ebpf.jit.ir.VarSet;
import graft.platform.asm.Label;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Arith;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What all emitters of one pass share: the assembler, the current function's registers and frame, the target. */
final class Emission {
    /** Distances up to this are taken as reachable from any byte of the code, whose size is far below the rest. */
    private static final long REACH = Integer.MAX_VALUE - (16L << 20);

    private final X64Assembler asm;
    private final TargetBinding binding;
    private final long codeAddress;
    private final Addressing addressing;
    private final Set<MachineFeature> features;
    private final List<Linkage.Reference> references = new ArrayList<>();
    private final Map<Integer, Label> entries = new HashMap<>();
    private final Set<Gpr> used = EnumSet.noneOf(Gpr.class);
    private Allocation allocation = new Allocation(0);
    private Frame frame = Frame.NONE;
    private VarSet liveAfter = new VarSet(0);

    /** How code refers to what is outside of it. */
    enum Addressing {
        /** By the addresses of the binding. */
        KNOWN,
        /** By names, for a linker. */
        SYMBOLIC
    }

    Emission(long codeAddress, TargetBinding binding, Addressing addressing, Set<MachineFeature> features) {
        this.addressing = addressing;
        this.asm = new X64Assembler(codeAddress);
        this.codeAddress = codeAddress;
        this.binding = binding;
        this.features = features;
    }

    X64Assembler asm() {
        return asm;
    }

    TargetBinding binding() {
        return binding;
    }

    boolean has(MachineFeature feature) {
        return features.contains(feature);
    }

    Frame frame() {
        return frame;
    }

    /** Begins a function. */
    void enter(Frame functionFrame, Allocation functionRegisters) {
        this.frame = functionFrame;
        this.allocation = functionRegisters;
    }

    /** Begins an operation behind which the variables with these numbers are read. */
    void startOp(VarSet live) {
        this.liveAfter = live;
    }

    /** Whether a variable that is read later, other than the one in {@code result}, is in {@code gpr}. */
    boolean isLive(Gpr gpr, Gpr result) {
        if (gpr != result) {
            for (int number = liveAfter.next(0); number >= 0; number = liveAfter.next(number + 1)) {
                if (allocation.isIn(number, gpr)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The entry of the function whose first instruction is at {@code slot}. */
    Label entry(int slot) {
        return entries.computeIfAbsent(slot, first -> new Label("function at", first));
    }

    /** The entries that were asked for. */
    Collection<Label> entries() {
        return List.copyOf(entries.values());
    }

    Gpr of(Var var) {
        return use(allocation.of(var));
    }

    /** Takes note that the code changes {@code gpr}. */
    Gpr use(Gpr gpr) {
        used.add(gpr);
        return gpr;
    }

    void useAllCallerSaved() {
        used.addAll(Registers.CALLER_SAVED);
    }

    /** What the code changes as its caller sees it. */
    Set<Gpr> clobbers() {
        Set<Gpr> clobbers = EnumSet.of(Gpr.RAX);
        clobbers.addAll(used);
        Registers.CALLEE_SAVED.forEach(clobbers::remove);
        return clobbers;
    }

    /** Copies between registers, if they are two. */
    void move(OpSize size, Gpr to, Gpr from) {
        if (to != from) {
            asm.mov(size == OpSize.D ? OpSize.D : OpSize.Q, to, from);
        }
    }

    /** Puts any value into a register; changes flags. */
    void move(Gpr to, Value value) {
        switch (value) {
            case Value.Constant(long number) when number == 0 -> asm.op(Arith.XOR, OpSize.D, to, to);
            case Value.Constant _, Value.Symbol _, Value.FrameAddress _, Var _ -> moveKeepingFlags(to, value);
        }
    }

    /** Puts any value into a register and leaves the flags alone. */
    void moveKeepingFlags(Gpr to, Value value) {
        switch (value) {
            case Value.Constant(long number) -> asm.mov(to, number);
            case Value.Symbol(Wide wide) -> loadSymbol(to, wide);
            case Value.FrameAddress(int offset) -> asm.lea(OpSize.Q, to, inFrame(offset));
            case Var var -> move(OpSize.Q, to, of(var));
        }
    }

    private Address inFrame(int offset) {
        return Address.at(Gpr.RSP, frame.top() + offset);
    }

    /** A memory operand; may take the first scratch register. */
    Address address(Place place) {
        return switch (place.base()) {
            case Var var -> indexed(of(var), place, place.offset());
            case Value.FrameAddress(int offset) -> indexed(Gpr.RSP, place, frame.top() + offset + place.offset());
            case Value.Symbol(Wide wide) -> symbolic(wide, place);
            case Value.Constant constant -> throw new AssertionError("memory at " + constant);
        };
    }

    private Address indexed(Gpr base, Place place, int offset) {
        return place.index().isPresent()
                ? Address.at(base, of(place.index().get()), place.scale(), offset)
                : Address.at(base, offset);
    }

    private Address symbolic(Wide wide, Place place) {
        if (addressing == Addressing.KNOWN && place.index().isEmpty() && !(wide instanceof Wide.Function)) {
            long target = addressOf(wide) + place.offset();
            if (reaches(target)) {
                return Address.absolute(target);
            }
        }
        Gpr scratch = use(Registers.SCRATCH);
        loadSymbol(scratch, wide);
        return indexed(scratch, place, place.offset());
    }

    void loadSymbol(Gpr to, Wide wide) {
        if (wide instanceof Wide.Function(int slot)) {
            asm.lea(OpSize.Q, to, Address.of(entry(slot)));
        } else if (addressing == Addressing.SYMBOLIC) {
            asm.lea(OpSize.Q, to, Address.absolute(codeAddress));
            long start = wide instanceof Wide.MapValue value ? value.offset() : 0;
            refer(Linkage.symbol(wide), start);
        } else {
            loadAddress(to, addressOf(wide));
        }
    }

    /** The last 4 bytes are a distance to {@code symbol}. */
    private void refer(String symbol, long start) {
        references.add(new Linkage.Reference(asm.position() - Integer.BYTES, symbol, start));
    }

    /** What a linker has to fill in. */
    List<Linkage.Reference> references() {
        return references;
    }

    /** Calls a helper. */
    void call(Helper helper) {
        long address = binding.helpers().get(helper);
        if (addressing == Addressing.SYMBOLIC) {
            asm.call(codeAddress);
            refer(helper.agentSymbol(), 0);
        } else if (reaches(address)) {
            asm.call(address);
        } else {
            asm.mov(Gpr.RAX, address);
            asm.call(Gpr.RAX);
        }
    }

    private long addressOf(Wide wide) {
        return switch (wide) {
            case Wide.Constant(long value) -> value;
            case Wide.MapPointer(String map) -> binding.maps().get(map).descriptor();
            case Wide.MapValue(String map, long offset) ->
                binding.maps().get(map).data() + offset;
            case Wide.Function _, Wide.KernelSymbol _ -> throw new AssertionError("no address of " + wide);
        };
    }

    /** Loads an address of the target in the shortest form. */
    void loadAddress(Gpr to, long address) {
        if (address >>> 32 != 0 && reaches(address)) {
            asm.lea(OpSize.Q, to, Address.absolute(address));
        } else {
            asm.mov(to, address);
        }
    }

    /** Memory at a known address; may take {@code scratch}. */
    Address memory(long address, Gpr scratch) {
        if (reaches(address)) {
            return Address.absolute(address);
        }
        asm.mov(scratch, address);
        return Address.at(scratch);
    }

    private boolean reaches(long address) {
        return Math.abs(address - codeAddress) < REACH;
    }

    static OpSize size(Width width) {
        return width == Width.W32 ? OpSize.D : OpSize.Q;
    }

    static OpSize size(MemSize size) {
        return switch (size) {
            case B -> OpSize.B;
            case H -> OpSize.W;
            case W -> OpSize.D;
            case DW -> OpSize.Q;
        };
    }
}
