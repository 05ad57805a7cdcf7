package graft.cli.fuzz;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;

/** Loads, stores and atomics on the stack and on the value of a map. Registers never keep a pointer afterwards. */
final class MemoryStatements {
    /** The map whose single value every program may use. */
    static final String MAP = "memory";

    /** Bytes of that value. */
    static final int MAP_BYTES = 256;

    /** Bytes of the frame that statements use, directly below r10. */
    static final int STACK_BYTES = 64;

    private final Choice choose;

    MemoryStatements(Choice choose) {
        this.choose = choose;
    }

    /** Where an access goes: {@code code} makes {@code base} a pointer; {@code low} and {@code bytes} say what it may use. */
    private record Place(List<Insn> code, Reg base, int low, int bytes, Alignment alignment) {}

    private enum Alignment {
        NATURAL,
        ANY
    }

    /** A load or a store. */
    List<Insn> access() {
        Place place = place();
        MemSize size = choose.of(MemSize.values());
        short offset = offset(place, size);
        List<Insn> insns = new ArrayList<>(place.code());
        Reg overwritten = Reg.R10;
        if (choose.oneIn(2)) {
            overwritten = choose.destination();
            Insn load = load(place, size, overwritten, offset);
            insns.add(load);
            if (load instanceof Insn.Load(var _, Extension extension, var _, var _, var _)
                    && extension == Extension.SIGN
                    && place.alignment() == Alignment.NATURAL) {
                insns.add(unlinked(overwritten));
            }
        } else {
            insns.add(store(place, size, offset));
        }
        forget(place.base(), overwritten, insns);
        return insns;
    }

    private Insn load(Place place, MemSize size, Reg dst, short offset) {
        if (choose.oneIn(5)) {
            return new Insn.LoadAcquire(size, dst, place.base(), aligned(offset, place, size));
        }
        boolean signed = size != MemSize.DW && choose.oneIn(2);
        return new Insn.Load(size, signed ? Extension.SIGN : Extension.ZERO, dst, place.base(), offset);
    }

    /**
     * Makes the kernel's verifier forget where a register's number comes from. Linux 6.18 takes a number that was spilled
     * and is loaded with its sign extended for the number itself: what a branch on the one tells is believed of the other.
     */
    private static Insn unlinked(Reg loaded) {
        return new Insn.Alu(AluOp.XOR, Width.W64, loaded, new Operand.Imm(0));
    }

    private Insn store(Place place, MemSize size, short offset) {
        Reg src = choose.source();
        if (src == place.base() || choose.oneIn(3)) {
            return new Insn.Store(size, place.base(), offset, new Operand.Imm((int) choose.value()));
        }
        return choose.oneIn(5)
                ? new Insn.StoreRelease(size, place.base(), aligned(offset, place, size), src)
                : new Insn.Store(size, place.base(), offset, new Operand.Src(src));
    }

    /** An atomic operation. */
    List<Insn> atomic() {
        MemSize size = choose.oneIn(2) ? MemSize.W : MemSize.DW;
        AtomicOp op = choose.of(AtomicOp.values());
        boolean fetches = op == AtomicOp.XCHG || op == AtomicOp.CMPXCHG || !choose.oneIn(3);
        Place place = atomicPlace();
        while (place.base() == Reg.R0 && op == AtomicOp.CMPXCHG) {
            place = atomicPlace();
        }
        boolean writesSource = fetches && op != AtomicOp.CMPXCHG;
        Reg src = writesSource ? choose.destination() : choose.source();
        while (src == place.base()) {
            src = writesSource ? choose.destination() : choose.source();
        }
        if (op == AtomicOp.CMPXCHG && choose.isFrozen(Reg.R0)) {
            return List.of();
        }
        List<Insn> insns = new ArrayList<>(place.code());
        short offset = aligned(offset(place, size), place, size);
        if (fetches) {
            blur(place, offset, insns);
        }
        insns.add(new Insn.Atomic(op, fetches ? Fetch.OLD_VALUE : Fetch.NONE, size, place.base(), offset, src));
        forget(place.base(), Reg.R10, insns);
        if (op == AtomicOp.CMPXCHG && size == MemSize.W) {
            insns.add(useAtOnce());
        }
        return insns;
    }

    /**
     * Looks the map's value up by a key on the stack, and takes a number from it if it is there. What a call forgets becomes numbers
     * again; nothing is done where a register that calls forget counts rounds.
     */
    List<Insn> lookup() {
        if (choose.anyFrozen()) {
            return List.of();
        }
        short key = (short) (-4 * (1 + choose.below(STACK_BYTES / 4)));
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Store(MemSize.W, Reg.R10, key, new Operand.Imm(choose.below(3) / 2)));
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapPointer(MAP)));
        insns.add(move(Reg.R2, new Operand.Src(Reg.R10)));
        insns.add(add(Reg.R2, key));
        insns.add(new Insn.CallHelper(Helper.MAP_LOOKUP_ELEM.number()));
        insns.add(new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 2));
        short at = (short) (8 * choose.below(MAP_BYTES / 8));
        insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R0, at));
        insns.add(new Insn.Jump(1));
        insns.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.R0, new Operand.Imm((int) choose.value())));
        for (int number = 1; number <= 5; number++) {
            insns.add(
                    choose.oneIn(2)
                            ? new Insn.Alu(AluOp.MOV, choose.width(), Reg.of(number), new Operand.Src(Reg.R0))
                            : new Insn.LoadWide(Reg.of(number), new Wide.Constant(choose.value())));
        }
        return insns;
    }

    /**
     * Makes the kernel's verifier forget what it knows of a stack slot before a fetching operation reads it. Linux 6.18
     * follows the fetched value to the register that held it before, not to the slot, when it asks which values a decision
     * depended on: it then takes states for equal that are not, and removes branches that are taken.
     */
    private void blur(Place place, short offset, List<Insn> insns) {
        Reg src = choose.source();
        if (place.alignment() == Alignment.NATURAL && src != place.base()) {
            insns.add(new Insn.Store(MemSize.B, place.base(), offset, new Operand.Src(src)));
        } else if (place.alignment() == Alignment.NATURAL) {
            insns.add(new Insn.Store(MemSize.B, place.base(), offset, new Operand.Imm(1 + choose.below(100))));
        }
    }

    /**
     * A 64-bit use of r0 in straight line after a 32-bit compare-and-exchange. Linux 6.18 forgets that r0 has to be zero
     * extended when all its 64-bit uses lie on paths that its verifier cuts short as seen before: a successful exchange
     * then leaves the upper half of r0 as it was, although the verifier counts on zeros. The instruction set says zeros.
     */
    private Insn useAtOnce() {
        return new Insn.Alu(AluOp.XOR, Width.W64, choose.destinationBut(Reg.R0), new Operand.Src(Reg.R0));
    }

    private Place place() {
        return choose.oneIn(6) ? indexedStack() : atomicPlace();
    }

    /** The kernel wants the place of an atomic operation on the stack to be a constant. */
    private Place atomicPlace() {
        return switch (choose.below(5)) {
            case 0, 1 -> new Place(List.of(), Reg.R10, -STACK_BYTES, STACK_BYTES, Alignment.NATURAL);
            case 2 -> copyOfFramePointer();
            case 3 -> indexedMap();
            default -> mapValue();
        };
    }

    private Place copyOfFramePointer() {
        Reg base = choose.destination();
        int moved = 8 * choose.below(8);
        List<Insn> code = List.of(move(base, new Operand.Src(Reg.R10)), add(base, -moved));
        return new Place(code, base, moved - STACK_BYTES, STACK_BYTES, Alignment.NATURAL);
    }

    private Place mapValue() {
        Reg base = choose.destination();
        int at = choose.below(MAP_BYTES);
        List<Insn> code = List.of(new Insn.LoadWide(base, new Wide.MapValue(MAP, at)));
        return new Place(code, base, -at, MAP_BYTES, Alignment.ANY);
    }

    /** {@code index &= 0x38; base = r10 - 64; base += index}: eight bytes at a place that is known at run time only. */
    private Place indexedStack() {
        Reg base = choose.destination();
        Reg index = choose.destinationBut(base);
        List<Insn> code = List.of(
                new Insn.Alu(AluOp.AND, Width.W64, index, new Operand.Imm(STACK_BYTES - 8)),
                move(base, new Operand.Src(Reg.R10)),
                add(base, -STACK_BYTES),
                new Insn.Alu(AluOp.ADD, Width.W64, base, new Operand.Src(index)));
        return new Place(code, base, 0, 8, Alignment.NATURAL);
    }

    private Place indexedMap() {
        Reg base = choose.destination();
        Reg index = choose.destinationBut(base);
        List<Insn> code = List.of(
                new Insn.Alu(AluOp.AND, choose.width(), index, new Operand.Imm(0x78)),
                new Insn.LoadWide(base, new Wide.MapValue(MAP, 0)),
                new Insn.Alu(AluOp.ADD, Width.W64, base, new Operand.Src(index)));
        return new Place(code, base, 0, MAP_BYTES - 0x78, Alignment.ANY);
    }

    private short offset(Place place, MemSize size) {
        int inside = choose.below(place.bytes() - size.bytes() + 1);
        boolean odd = place.alignment() == Alignment.ANY && choose.oneIn(2);
        return (short) (place.low() + (odd ? inside : inside & -size.bytes()));
    }

    /** Places begin at multiples of eight. */
    private static short aligned(short offset, Place place, MemSize size) {
        return (short) (place.low() + (offset - place.low() & -size.bytes()));
    }

    private void forget(Reg base, Reg overwritten, List<Insn> insns) {
        if (base != Reg.R10 && base != overwritten) {
            insns.add(
                    choose.oneIn(2)
                            ? new Insn.LoadWide(base, new Wide.Constant(choose.value()))
                            : new Insn.Alu(AluOp.MOV, Width.W32, base, new Operand.Imm((int) choose.value())));
        }
    }

    private static Insn move(Reg dst, Operand src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, src);
    }

    private static Insn add(Reg dst, int value) {
        return new Insn.Alu(AluOp.ADD, Width.W64, dst, new Operand.Imm(value));
    }
}
