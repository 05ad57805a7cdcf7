package graft.cli.fuzz;

import graft.cli.fuzz.Belief.Kind;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;

/**
 * A slot or a register gets one of two constants, ways part and meet again, and only then the constant decides whether an
 * access is safe. The way that is walked last may be the one with the wrong constant: a verifier that has lost sight of
 * what is still to be read takes its state for one that it has seen.
 */
final class LateUse {
    private static final int WRONG = 4;
    private static final int SCRATCH_FROM = 3;

    private final Choice choose;
    private final Belief belief;
    private final SafetyStatements statements;

    LateUse(Choice choose, Belief belief, SafetyStatements statements) {
        this.choose = choose;
        this.belief = belief;
        this.statements = statements;
    }

    /** The whole of it. */
    List<Insn> any() {
        return switch (choose.below(7)) {
            case 0 -> register();
            case 1 -> key();
            case 2 -> loop();
            case 3, 4 -> twoWaysRound();
            default -> slot();
        };
    }

    private List<Insn> slot() {
        int slot = choose.below(Belief.SLOTS);
        List<Insn> insns = new ArrayList<>(indexIn(slot));
        Reg index = choose.destination();
        MemSize size = choose.of(MemSize.values());
        insns.add(new Insn.Load(size, Extension.ZERO, index, Reg.R10, (short) place(slot)));
        insns.addAll(access(index));
        return insns;
    }

    /**
     * The read is behind a loop that has two ways in. What is read behind it is not known yet when its rounds are seen to
     * repeat, and the other way in meets a state of such a round.
     */
    private List<Insn> loop() {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        int slot = choose.below(Belief.SLOTS);
        Insn.Branch test = statements.test();
        List<Insn> before = partings();
        List<Insn> behind = partings();
        insns.add(store(slot, oneIn(WRONG)));
        insns.add(with(test, 2 + Statements.slots(before)));
        insns.add(store(slot, oneIn(4 * WRONG)));
        insns.add(new Insn.MayGoto((short) (Statements.slots(before) + Statements.slots(behind) + 1)));
        insns.addAll(before);
        insns.addAll(behind);
        insns.add(new Insn.Jump(-(Statements.slots(before) + Statements.slots(behind) + 2)));
        belief.setSlot(slot, Kind.SMALL);
        insns.addAll(reads(slot));
        return insns;
    }

    /**
     * A loop with two ways through its body: one may set the slot, the other reads it, and is walked when the first is
     * done. What the states on the first way are worth is known only then.
     *
     * <pre>
     *         may_goto end
     *         if chance goto reads
     *         the slot is set or not
     *         partings
     *         goto may_goto
     *   reads: the slot is an index
     *         goto may_goto
     * </pre>
     */
    private List<Insn> twoWaysRound() {
        Reg flag = Reg.of(7 + choose.below(3));
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        if (choose.isFrozen(flag)) {
            return insns;
        }
        belief.set(flag, Kind.NOTHING);
        insns.addAll(statements.needNumber());
        choose.freeze(flag);
        Belief before = belief.copy();
        int slot = choose.below(Belief.SLOTS);
        int good = choose.below(SafetyStatements.VALUE_BYTES - 7);
        insns.add(store(slot, good));
        insns.add(statements.move(flag, new Operand.Imm(1)));
        insns.add(with(statements.test(), 1));
        insns.add(statements.move(flag, new Operand.Imm(0)));
        belief.called(Kind.NUMBER);
        List<Insn> sets = choose.oneIn(2) ? setOnSomeWays(slot, good) : setByFlag(slot, flag);
        sets.addAll(partings());
        List<Insn> reads = reads(slot);
        int first = Statements.slots(sets) + 1;
        int second = Statements.slots(reads) + 1;
        insns.add(new Insn.MayGoto((short) (2 + first + second)));
        insns.add(new Insn.CallHelper(SafetyStatements.RANDOM));
        insns.add(chance(1, first));
        insns.addAll(sets);
        insns.add(new Insn.Jump(-(first + 3)));
        insns.addAll(reads);
        insns.add(new Insn.Jump(-(first + second + 3)));
        belief.meet(before);
        choose.thaw(flag);
        belief.setSlot(slot, Kind.SMALL);
        return insns;
    }

    private List<Insn> setOnSomeWays(int slot, int good) {
        return new ArrayList<>(List.of(store(slot, oneIn(WRONG)), chance(2, 1), store(slot, good)));
    }

    /** A branch on one bit of a random number in r0: runs take any way in any round. */
    private static Insn chance(int bit, int distance) {
        return new Insn.Branch(JumpOp.JSET, Width.W64, Reg.R0, new Operand.Imm(bit), (short) distance);
    }

    /** Set when the flag is, which it is for one of the ways into the loop, and not in later rounds. */
    private List<Insn> setByFlag(int slot, Reg flag) {
        return new ArrayList<>(List.of(
                new Insn.Branch(JumpOp.JEQ, Width.W64, flag, new Operand.Imm(0), (short) 1),
                store(slot, oneIn(WRONG)),
                statements.move(flag, new Operand.Imm(0))));
    }

    private List<Insn> reads(int slot) {
        Reg index = choose.destination();
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Load(MemSize.DW, Extension.ZERO, index, Reg.R10, (short) place(slot)));
        insns.addAll(access(index));
        return insns;
    }

    private Insn store(int slot, int value) {
        return new Insn.Store(MemSize.DW, Reg.R10, (short) place(slot), new Operand.Imm(value));
    }

    /** An index, or one time in {@code often} none. */
    private int oneIn(int often) {
        return choose.oneIn(often) ? SafetyStatements.VALUE_BYTES : choose.below(SafetyStatements.VALUE_BYTES - 7);
    }

    /** Up to the read: a function may be called now that reads the slot, as an index or as a key. */
    List<Insn> handed(int slot) {
        return isKey(slot) ? keyIn(slot) : indexIn(slot);
    }

    /** Which of the two a called function takes a slot for. */
    private static boolean isKey(int slot) {
        return slot % 2 == 0;
    }

    private List<Insn> indexIn(int slot) {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        insns.addAll(oneOfTwo(
                value -> new Insn.Store(MemSize.DW, Reg.R10, (short) place(slot), new Operand.Imm(value)),
                SafetyStatements.VALUE_BYTES - 7,
                SafetyStatements.VALUE_BYTES));
        belief.setSlot(slot, Kind.SMALL);
        insns.addAll(partings());
        return insns;
    }

    /** In a function that has the address of its caller's lowest slot in r2. */
    List<Insn> fromCaller(int slot) {
        int at = 8 * (Belief.SLOTS - 1 - slot);
        if (isKey(slot)) {
            return lookUp(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R2, new Operand.Imm(at)));
        }
        Reg index = choose.destinationBut(Reg.R2);
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.Load(choose.of(MemSize.values()), Extension.ZERO, index, Reg.R2, (short) at));
        insns.addAll(access(index));
        return insns;
    }

    private List<Insn> register() {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        Reg index = choose.destination();
        belief.set(index, Kind.NOTHING);
        insns.addAll(statements.needNumber());
        if (choose.isFrozen(index) || belief.of(index) != Kind.NOTHING) {
            return insns;
        }
        insns.addAll(oneOfTwo(
                value -> statements.move(index, new Operand.Imm(value)),
                SafetyStatements.VALUE_BYTES - 7,
                SafetyStatements.VALUE_BYTES));
        choose.freeze(index);
        insns.addAll(partings());
        choose.thaw(index);
        insns.addAll(access(index));
        return insns;
    }

    /** The key decides whether a lookup can fail. */
    private List<Insn> key() {
        int slot = choose.below(Belief.SLOTS);
        List<Insn> insns = new ArrayList<>(keyIn(slot));
        insns.add(statements.move(Reg.R2, new Operand.Src(Reg.R10)));
        insns.addAll(lookUp(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R2, new Operand.Imm(place(slot)))));
        return insns;
    }

    private List<Insn> keyIn(int slot) {
        List<Insn> insns = new ArrayList<>(statements.needNumber());
        insns.addAll(oneOfTwo(
                value -> new Insn.Store(MemSize.W, Reg.R10, (short) place(slot), new Operand.Imm(value)),
                SafetyStatements.ENTRIES,
                SafetyStatements.ENTRIES));
        belief.setSlot(slot, Kind.NUMBER);
        insns.addAll(partings());
        return insns;
    }

    /** A lookup whose result is used unchecked; {@code key} moves r2 to the key. */
    private List<Insn> lookUp(Insn key) {
        belief.called(Kind.NUMBER);
        return List.of(
                key,
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer(SafetyStatements.ARRAY)),
                new Insn.CallHelper(SafetyStatements.LOOKUP),
                new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R0, Reg.R0, (short) 0));
    }

    /** How a constant is put in its place. */
    private interface Put {
        Insn of(int value);
    }

    private List<Insn> oneOfTwo(Put put, int allowed, int wrong) {
        int first = choose.oneIn(WRONG) ? wrong : choose.below(allowed);
        int second = choose.oneIn(4 * WRONG) ? wrong : choose.below(allowed);
        Insn.Branch test = statements.test();
        return List.of(put.of(first), with(test, 1), put.of(second));
    }

    /** Two or more ways that part and meet, so that states are kept; what differs on them is not read again. */
    private List<Insn> partings() {
        List<Insn> insns = new ArrayList<>();
        Reg scratch = Reg.of(SCRATCH_FROM + choose.below(3));
        if (choose.isFrozen(scratch)) {
            scratch = Reg.R0;
        }
        belief.set(scratch, Kind.NOTHING);
        insns.addAll(statements.needNumber());
        if (belief.of(scratch) != Kind.NOTHING) {
            return insns;
        }
        for (int count = 2 + choose.below(3); count > 0; count--) {
            List<Insn> body = new ArrayList<>();
            for (int length = 1 + choose.below(4); length > 0; length--) {
                body.add(statements.move(scratch, new Operand.Imm(choose.below(100))));
            }
            insns.add(with(statements.test(), body.size()));
            insns.addAll(body);
        }
        insns.add(statements.move(scratch, new Operand.Imm(0)));
        belief.set(scratch, Kind.SMALL);
        return insns;
    }

    private List<Insn> access(Reg index) {
        Reg base = choose.destinationBut(index);
        belief.set(index, Kind.SMALL);
        belief.set(base, Kind.NUMBER);
        return List.of(
                new Insn.LoadWide(base, new Wide.MapValue(SafetyStatements.DATA, 0)),
                new Insn.Alu(AluOp.ADD, Width.W64, base, new Operand.Src(index)),
                new Insn.Load(MemSize.DW, Extension.ZERO, base, base, (short) 0));
    }

    private static int place(int slot) {
        return -8 - 8 * slot;
    }

    private static Insn with(Insn.Branch test, int distance) {
        return new Insn.Branch(test.op(), test.width(), test.dst(), test.src(), (short) distance);
    }
}
