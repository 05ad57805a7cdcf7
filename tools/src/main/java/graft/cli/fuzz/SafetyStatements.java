package graft.cli.fuzz;

import graft.cli.fuzz.Belief.Kind;
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
import java.util.Optional;

/** Pieces of a program that fit what its generator believes; one in many leaves out what makes it safe. */
final class SafetyStatements {
    /** A map of eight values, a map of values by key, and a ring buffer. */
    static final String ARRAY = "array";

    static final String HASH = "hash";
    static final String RING = "ring";
    /** One value, whose address instructions may hold. */
    static final String DATA = "data";

    /** Bytes of a value, of both maps. */
    static final int VALUE_BYTES = 48;

    /** Entries of both maps. */
    static final int ENTRIES = 8;

    static final int LOOKUP = 1;
    static final int RANDOM = 7;
    private static final int COMM = 16;
    static final int RESERVE = 131;
    static final int SUBMIT = 132;
    private static final int PROBE_READ = 113;
    private static final int RECORD_BYTES = 48;
    private static final int SLIP = 40;
    private static final int KEY = -72;
    private static final int CONTEXT_WORDS = 21;

    private final Choice choose;
    private final Belief belief;

    SafetyStatements(Choice choose, Belief belief) {
        this.choose = choose;
        this.belief = belief;
    }

    private boolean slips() {
        return choose.oneIn(SLIP);
    }

    List<Insn> any() {
        return switch (choose.below(16)) {
            case 0, 1 -> load();
            case 2, 3 -> arithmetic();
            case 4 -> bound();
            case 5 -> lookup();
            case 6 -> check();
            case 7, 8, 9 -> access();
            case 10 -> spill();
            case 11 -> fill();
            case 12 -> stack();
            case 13 -> ring();
            case 14 -> helper();
            default -> choose.oneIn(2) ? atomic() : copies();
        };
    }

    Insn move(Reg dst, Operand src) {
        return new Insn.Alu(AluOp.MOV, Width.W64, dst, src);
    }

    private static Insn add(Reg dst, Operand src) {
        return new Insn.Alu(AluOp.ADD, Width.W64, dst, src);
    }

    List<Insn> copy(Reg dst, Reg src) {
        belief.set(dst, belief.of(src));
        return List.of(move(dst, new Operand.Src(src)));
    }

    private List<Insn> copies() {
        Reg src = choose.source();
        return belief.of(src) == Kind.NOTHING && !slips() ? load() : copy(choose.destination(), src);
    }

    /** Code that leaves at least one register with a number. */
    List<Insn> needNumber() {
        return belief.registers(Kind.NUMBER).isEmpty()
                        && belief.registers(Kind.SMALL).isEmpty()
                ? load()
                : List.of();
    }

    Reg number() {
        List<Reg> numbers = new ArrayList<>(belief.registers(Kind.NUMBER));
        numbers.addAll(belief.registers(Kind.SMALL));
        return choose.of(numbers);
    }

    /** A branch on a number. */
    Insn.Branch test() {
        Operand other = choose.oneIn(3) ? new Operand.Src(number()) : new Operand.Imm(nearby());
        return new Insn.Branch(choose.of(JumpOp.values()), choose.width(), number(), other, (short) 0);
    }

    private int nearby() {
        return choose.oneIn(4) ? (int) choose.value() : choose.below(VALUE_BYTES + 2);
    }

    private List<Insn> load() {
        Reg dst = choose.destination();
        Optional<Reg> context = belief.any(Kind.CONTEXT, choose);
        belief.set(dst, Kind.NUMBER);
        if (context.isEmpty()) {
            return List.of(move(dst, new Operand.Src(Reg.R6)));
        }
        MemSize size = choose.of(MemSize.values());
        int at = 8 * choose.below(CONTEXT_WORDS + (slips() ? 1 : 0));
        return List.of(new Insn.Load(size, Extension.ZERO, dst, context.get(), (short) at));
    }

    private List<Insn> arithmetic() {
        List<Insn> insns = new ArrayList<>(needNumber());
        Reg dst = number();
        if (choose.isFrozen(dst)) {
            return insns;
        }
        Width width = choose.width();
        AluOp op = choose.of(AluOp.values());
        int bits = width == Width.W32 ? 32 : 64;
        int value = (int) choose.value();
        Operand src = switch (op) {
            case LSH, RSH, ARSH -> new Operand.Imm(value & bits - 1);
            case DIV, MOD, SDIV, SMOD -> new Operand.Imm(value == 0 ? 3 : value);
            case ADD, SUB, MUL, OR, AND, XOR, MOV ->
                choose.oneIn(2) ? new Operand.Src(number()) : new Operand.Imm(nearby());
        };
        insns.add(new Insn.Alu(op, width, dst, src));
        belief.set(dst, Kind.NUMBER);
        return insns;
    }

    /** A number becomes an index, in one of the ways people write it; the copy that was not tested may be used. */
    private List<Insn> bound() {
        List<Insn> insns = new ArrayList<>(needNumber());
        Reg reg = number();
        if (choose.isFrozen(reg)) {
            return insns;
        }
        int most = slips() ? VALUE_BYTES : choose.below(VALUE_BYTES - 7);
        Reg tested = reg;
        if (choose.oneIn(3)) {
            tested = choose.destinationBut(reg);
            insns.addAll(copy(tested, reg));
        }
        Width width = choose.oneIn(4) ? Width.W32 : Width.W64;
        switch (choose.below(4)) {
            case 0 -> insns.add(new Insn.Alu(AluOp.AND, width, reg, new Operand.Imm(choose.oneIn(2) ? 31 : 15)));
            case 1 -> insns.add(toEnd(JumpOp.JGT, width, tested, most));
            case 2 -> {
                insns.add(toEnd(JumpOp.JSGT, width, tested, most));
                insns.add(toEnd(JumpOp.JSLT, width, tested, slips() ? -1 : 0));
            }
            default -> {
                insns.add(new Insn.Branch(JumpOp.JLE, width, tested, new Operand.Imm(most), (short) 1));
                insns.add(move(reg, new Operand.Imm(choose.below(VALUE_BYTES - 7))));
            }
        }
        belief.set(reg, Kind.SMALL);
        return insns;
    }

    private static Insn toEnd(JumpOp op, Width width, Reg reg, int value) {
        return new Insn.Branch(op, width, reg, new Operand.Imm(value), SafetyGenerator.TO_END);
    }

    /** A number or a slot gets one of two constants: which one is decided at run time. */
    List<Insn> oneOfTwo() {
        List<Insn> insns = new ArrayList<>(needNumber());
        Reg dst = choose.destination();
        int one = choose.below(VALUE_BYTES - 7);
        int other = slips() ? VALUE_BYTES : choose.below(VALUE_BYTES - 7);
        Insn.Branch test = test();
        int slot = choose.below(Belief.SLOTS);
        boolean spilled = choose.oneIn(2);
        Insn first = spilled ? store(slot, new Operand.Imm(one)) : move(dst, new Operand.Imm(one));
        Insn second = spilled ? store(slot, new Operand.Imm(other)) : move(dst, new Operand.Imm(other));
        boolean testedIsLost = !spilled && (test.dst() == dst || test.src().equals(new Operand.Src(dst)));
        if (testedIsLost) {
            return insns;
        }
        insns.add(first);
        insns.add(new Insn.Branch(test.op(), test.width(), test.dst(), test.src(), (short) 1));
        insns.add(second);
        if (spilled) {
            belief.setSlot(slot, Kind.SMALL);
        } else {
            belief.set(dst, Kind.SMALL);
        }
        return insns;
    }

    private List<Insn> lookup() {
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Store(MemSize.W, Reg.R10, (short) KEY, new Operand.Imm(choose.below(10))));
        insns.add(move(Reg.R2, new Operand.Src(Reg.R10)));
        insns.add(add(Reg.R2, new Operand.Imm(KEY)));
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapPointer(choose.oneIn(2) ? ARRAY : HASH)));
        insns.add(new Insn.CallHelper(LOOKUP));
        belief.called(Kind.NUMBER);
        belief.replace(Kind.VALUE_OR_NULL, Kind.NOTHING);
        belief.set(Reg.R0, Kind.VALUE_OR_NULL);
        if (choose.oneIn(2)) {
            insns.addAll(copy(Reg.R0, Reg.R0));
            insns.addAll(copy(choose.destinationBut(Reg.R0), Reg.R0));
        }
        if (!choose.oneIn(4)) {
            insns.addAll(check());
        }
        return insns;
    }

    /** A null check of what a lookup or a reservation gave. */
    private List<Insn> check() {
        Kind kind = choose.oneIn(3) ? Kind.RECORD_OR_NULL : Kind.VALUE_OR_NULL;
        Optional<Reg> pointer = belief.any(kind, choose);
        if (pointer.isEmpty() || slips()) {
            return load();
        }
        belief.replace(kind, kind == Kind.VALUE_OR_NULL ? Kind.VALUE : Kind.RECORD);
        return List.of(toEnd(JumpOp.JEQ, Width.W64, pointer.get(), 0));
    }

    /** A load or a store at an index in a value, a record or a caller's stack. */
    private List<Insn> access() {
        Kind kind = choose.of(new Kind[] {Kind.VALUE, Kind.VALUE, Kind.RECORD, Kind.FRAME});
        Optional<Reg> pointer = belief.any(slips() ? Kind.VALUE_OR_NULL : kind, choose);
        if (pointer.isEmpty()) {
            return choose.oneIn(2) && kind == Kind.VALUE ? direct() : bound();
        }
        return accessAt(pointer.get(), kind);
    }

    private List<Insn> direct() {
        Reg base = choose.destination();
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.LoadWide(base, new Wide.MapValue(DATA, 0)));
        belief.set(base, Kind.VALUE);
        insns.addAll(accessAt(base, Kind.VALUE));
        return insns;
    }

    private List<Insn> accessAt(Reg pointer, Kind kind) {
        List<Insn> insns = new ArrayList<>();
        Reg base = pointer;
        MemSize size = choose.of(MemSize.values());
        Optional<Reg> index = belief.any(slips() ? Kind.NUMBER : Kind.SMALL, choose);
        int room = VALUE_BYTES - size.bytes();
        if (index.isPresent() && kind != Kind.FRAME && !choose.oneIn(4)) {
            base = choose.destinationBut(index.get());
            insns.addAll(copy(base, pointer));
            insns.add(add(base, new Operand.Src(index.get())));
            belief.set(base, Kind.NOTHING);
            room = slips() ? 8 : 8 - size.bytes();
        }
        int at = room == 0 ? 0 : choose.below(room + (slips() ? 2 : 1));
        short offset = (short) (kind == Kind.FRAME ? at & -size.bytes() : at);
        if (choose.oneIn(2)) {
            Reg dst = choose.destination();
            insns.add(new Insn.Load(size, Extension.ZERO, dst, base, offset));
            belief.set(dst, Kind.NUMBER);
        } else {
            Optional<Reg> number = belief.any(Kind.NUMBER, choose);
            Operand value = number.<Operand>map(Operand.Src::new).orElse(new Operand.Imm(7));
            insns.add(new Insn.Store(size, base, offset, value));
        }
        return insns;
    }

    private static Insn store(int slot, Operand value) {
        return new Insn.Store(MemSize.DW, Reg.R10, (short) (-8 - 8 * slot), value);
    }

    private List<Insn> spill() {
        Reg reg = choose.source();
        int slot = choose.below(Belief.SLOTS);
        Kind kind = belief.of(reg);
        if (kind == Kind.NOTHING) {
            return fill();
        }
        if (kind.isNumber() && choose.oneIn(3)) {
            MemSize size = choose.of(MemSize.values());
            int at = -8 - 8 * slot + (choose.oneIn(2) ? 0 : 8 - size.bytes());
            belief.setSlot(slot, Kind.NUMBER);
            return List.of(new Insn.Store(size, Reg.R10, (short) at, new Operand.Src(reg)));
        }
        belief.setSlot(slot, kind);
        return List.of(store(slot, new Operand.Src(reg)));
    }

    private List<Insn> fill() {
        int slot = choose.below(Belief.SLOTS);
        Reg dst = choose.destination();
        boolean narrow = belief.slot(slot).isNumber() && choose.oneIn(3);
        MemSize size = narrow ? choose.of(MemSize.values()) : MemSize.DW;
        belief.set(dst, belief.slot(slot) == Kind.NOTHING ? Kind.NUMBER : belief.slot(slot));
        return List.of(new Insn.Load(size, Extension.ZERO, dst, Reg.R10, (short) (-8 - 8 * slot)));
    }

    /** The stack at an index. */
    private List<Insn> stack() {
        Optional<Reg> index = belief.any(Kind.SMALL, choose);
        if (index.isEmpty() || choose.isFrozen(index.get())) {
            return bound();
        }
        Reg base = choose.destinationBut(index.get());
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Alu(AluOp.AND, Width.W64, index.get(), new Operand.Imm(slips() ? 0x3c : 0x38)));
        insns.add(move(base, new Operand.Src(Reg.R10)));
        insns.add(add(base, new Operand.Imm(-8 * Belief.SLOTS)));
        insns.add(add(base, new Operand.Src(index.get())));
        belief.set(base, Kind.NOTHING);
        belief.set(index.get(), Kind.NUMBER);
        if (choose.oneIn(2)) {
            MemSize size = choose.of(MemSize.values());
            insns.add(new Insn.Store(size, base, (short) 0, new Operand.Imm((int) choose.value())));
            for (int slot = 0; slot < Belief.SLOTS; slot++) {
                belief.setSlot(slot, belief.slot(slot).isNumber() ? Kind.NUMBER : Kind.NOTHING);
            }
        } else {
            Reg dst = choose.destination();
            insns.add(new Insn.Load(choose.of(MemSize.values()), Extension.ZERO, dst, base, (short) 0));
            belief.set(dst, Kind.NUMBER);
        }
        return insns;
    }

    /** Reserves a record, or gives one back. */
    private List<Insn> ring() {
        Optional<Reg> held = belief.any(Kind.RECORD, choose);
        List<Insn> insns = new ArrayList<>();
        if (held.isPresent()) {
            insns.add(move(Reg.R1, new Operand.Src(held.get())));
            insns.add(move(Reg.R2, new Operand.Imm(0)));
            insns.add(new Insn.CallHelper(SUBMIT));
            belief.called(Kind.NOTHING);
            belief.replace(Kind.RECORD, slips() ? Kind.VALUE : Kind.NOTHING);
            return insns;
        }
        if (!choose.oneIn(3)) {
            return lookup();
        }
        insns.add(new Insn.LoadWide(Reg.R1, new Wide.MapPointer(RING)));
        insns.add(move(Reg.R2, new Operand.Imm(RECORD_BYTES)));
        insns.add(move(Reg.R3, new Operand.Imm(0)));
        insns.add(new Insn.CallHelper(RESERVE));
        belief.called(Kind.RECORD_OR_NULL);
        insns.add(toEnd(JumpOp.JEQ, Width.W64, Reg.R0, 0));
        belief.set(Reg.R0, Kind.RECORD);
        insns.addAll(copy(Reg.of(7 + choose.below(3)), Reg.R0));
        if (choose.oneIn(2)) {
            insns.addAll(ring());
        }
        return insns;
    }

    /** A helper that fills some bytes of the stack or of a value. */
    private List<Insn> helper() {
        List<Insn> insns = new ArrayList<>();
        Optional<Reg> size = belief.any(Kind.SMALL, choose);
        Optional<Reg> value = belief.any(Kind.VALUE, choose);
        boolean toValue = value.isPresent() && choose.oneIn(2);
        if (size.isPresent() && !slips()) {
            insns.add(move(Reg.R2, new Operand.Src(size.get())));
        } else {
            insns.add(move(Reg.R2, new Operand.Imm(1 + choose.below(VALUE_BYTES + 1))));
        }
        if (toValue && value.get() != Reg.R2) {
            insns.add(move(Reg.R1, new Operand.Src(value.get())));
        } else {
            insns.add(move(Reg.R1, new Operand.Src(Reg.R10)));
            insns.add(add(Reg.R1, new Operand.Imm(-VALUE_BYTES)));
        }
        boolean probe = choose.oneIn(2);
        if (probe) {
            insns.add(move(Reg.R3, new Operand.Imm(0)));
        }
        insns.add(new Insn.CallHelper(probe ? PROBE_READ : COMM));
        belief.called(Kind.NUMBER);
        for (int slot = 0; slot < VALUE_BYTES / 8; slot++) {
            belief.setSlot(slot, toValue ? belief.slot(slot) : Kind.NUMBER);
        }
        return insns;
    }

    private List<Insn> atomic() {
        Optional<Reg> pointer = belief.any(Kind.VALUE, choose);
        Optional<Reg> number = belief.any(Kind.NUMBER, choose);
        if (pointer.isEmpty() || number.isEmpty() || choose.isFrozen(number.get())) {
            return direct();
        }
        MemSize size = choose.oneIn(2) ? MemSize.W : MemSize.DW;
        AtomicOp op = choose.of(new AtomicOp[] {AtomicOp.ADD, AtomicOp.OR, AtomicOp.XCHG});
        Fetch fetch = op == AtomicOp.XCHG || choose.oneIn(2) ? Fetch.OLD_VALUE : Fetch.NONE;
        short offset = (short) (8 * choose.below(VALUE_BYTES / 8));
        return List.of(new Insn.Atomic(op, fetch, size, pointer.get(), offset, number.get()));
    }
}
