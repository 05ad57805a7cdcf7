package graft.cli.fuzz;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Pieces of a function's body. Before and after each one, r0 to r9 hold numbers and the stack below r10 is written. */
final class Statements {
    private static final AluOp[] SETTLING = {AluOp.AND, AluOp.OR, AluOp.MOV};

    private final Choice choose;
    private final MemoryStatements memory;
    private final Optional<ArenaStatements> arena;

    /** With an arena, or without for programs that others may go on in place of. */
    Statements(Choice choose, Optional<ArenaStatements> arena) {
        this.choose = choose;
        this.memory = new MemoryStatements(choose);
        this.arena = arena;
    }

    /** {@code count} pieces after each other. */
    List<Insn> several(int count) {
        List<Insn> insns = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            insns.addAll(piece());
        }
        return insns;
    }

    private List<Insn> piece() {
        return switch (choose.below(24)) {
            case 0, 1 -> branchOver();
            case 2 -> choice();
            case 3 -> choose.anyFrozen() || choose.oneIn(2) ? straight() : loop();
            case 4 -> choose.oneIn(4) ? compareChain() : straight();
            default -> straight();
        };
    }

    /** One piece without a jump in it. */
    List<Insn> straight() {
        return switch (choose.below(18)) {
            case 17 -> arena.map(ArenaStatements::access).orElseGet(() -> List.of(alu()));
            case 0 -> List.of(new Insn.Neg(choose.width(), choose.destination()));
            case 1 -> List.of(moveSigned());
            case 2 ->
                List.of(new Insn.Swap(choose.of(ByteOrder.values()), 16 << choose.below(3), choose.destination()));
            case 3, 4, 5 -> memory.access();
            case 6, 7 -> memory.atomic();
            case 8 -> shiftPair();
            case 9 -> rotate();
            case 16 -> memory.lookup();
            case 10 -> List.of(constant(choose.destination()));
            default -> List.of(alu());
        };
    }

    /** A piece that changes nothing more when it is repeated, or leaves an unknown number. */
    private List<Insn> settling() {
        return switch (choose.below(6)) {
            case 0 -> List.of(moveSigned());
            case 1 -> List.of(constant(choose.destination()));
            case 2, 3 -> memory.access();
            case 4 -> memory.atomic();
            default ->
                List.of(new Insn.Alu(choose.of(SETTLING), choose.width(), choose.destination(), choose.operand()));
        };
    }

    Insn constant(Reg reg) {
        return new Insn.LoadWide(reg, new Wide.Constant(choose.value()));
    }

    private Insn alu() {
        AluOp op = choose.of(AluOp.values());
        Width width = choose.width();
        Operand src = choose.operand();
        if (src instanceof Operand.Imm(int value)) {
            int allowed = switch (op) {
                case LSH, RSH, ARSH -> value & bits(width) - 1;
                case DIV, MOD, SDIV, SMOD -> value == 0 ? 3 : value;
                case ADD, SUB, MUL, OR, AND, XOR, MOV -> value;
            };
            src = new Operand.Imm(allowed);
        }
        return new Insn.Alu(op, width, choose.destination(), src);
    }

    private static int bits(Width width) {
        return width == Width.W32 ? 32 : 64;
    }

    private Insn moveSigned() {
        Width width = choose.width();
        int bits = 8 << choose.below(width == Width.W64 ? 3 : 2);
        return new Insn.MoveSigned(width, bits, choose.destination(), choose.source());
    }

    /** How older compilers extend a 32-bit value. */
    private List<Insn> shiftPair() {
        Reg dst = choose.destination();
        int count = choose.oneIn(3) ? choose.below(64) : 32;
        AluOp second = choose.oneIn(2) ? AluOp.RSH : AluOp.ARSH;
        return List.of(shift(AluOp.LSH, Width.W64, dst, count), shift(second, Width.W64, dst, count));
    }

    /** {@code a = x << n; b = x >> (size - n); a |= b}, sometimes not quite. */
    private List<Insn> rotate() {
        Width width = choose.width();
        Reg high = choose.destination();
        Reg low = choose.destinationBut(high);
        int count = choose.below(bits(width));
        int rest = choose.oneIn(5) ? choose.below(bits(width)) : bits(width) - count & bits(width) - 1;
        AluOp join = choose.of(new AluOp[] {AluOp.OR, AluOp.XOR, AluOp.ADD});
        return List.of(
                new Insn.Alu(AluOp.MOV, width, low, new Operand.Src(high)),
                shift(AluOp.LSH, width, high, count),
                shift(AluOp.RSH, width, low, rest),
                new Insn.Alu(join, width, high, new Operand.Src(low)));
    }

    private static Insn shift(AluOp op, Width width, Reg reg, int count) {
        return new Insn.Alu(op, width, reg, new Operand.Imm(count));
    }

    private List<Insn> branchOver() {
        List<Insn> skipped = several(1 + choose.below(3));
        List<Insn> insns = new ArrayList<>();
        insns.add(branch(slots(skipped)));
        insns.addAll(skipped);
        return insns;
    }

    /** One of two ways, both of which meet again. */
    private List<Insn> choice() {
        List<Insn> one = several(1 + choose.below(2));
        List<Insn> other = several(1 + choose.below(2));
        List<Insn> insns = new ArrayList<>();
        insns.add(branch(slots(one) + 1));
        insns.addAll(one);
        insns.add(new Insn.Jump(choose.of(Insn.Jump.Form.values()), slots(other)));
        insns.addAll(other);
        return insns;
    }

    /** One register against several constants, as a switch is compiled. */
    private List<Insn> compareChain() {
        Reg tested = choose.source();
        List<Insn> insns = new ArrayList<>();
        Width width = choose.width();
        int first = (int) choose.value();
        for (int i = 0; i < 4; i++) {
            Operand value = new Operand.Imm(first + i);
            Insn body = new Insn.Alu(AluOp.XOR, Width.W64, choose.destinationBut(tested), new Operand.Imm(0x51 << i));
            insns.add(new Insn.Branch(JumpOp.JNE, width, tested, value, (short) 1));
            insns.add(body);
        }
        return insns;
    }

    /**
     * A few rounds; the counter is a constant or a number that is masked. Some loops carry a budget: the kernel's verifier
     * then forgets what it knows about numbers, and follows them round by round as long as they change.
     */
    private List<Insn> loop() {
        Reg counter = Reg.of(6 + choose.below(4));
        List<Insn> insns = new ArrayList<>();
        if (choose.oneIn(2)) {
            insns.add(new Insn.Alu(AluOp.MOV, Width.W64, counter, new Operand.Imm(1 + choose.below(3))));
        } else {
            insns.add(new Insn.Alu(AluOp.AND, Width.W64, counter, new Operand.Imm(3)));
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, counter, new Operand.Imm(1)));
        }
        choose.freeze(counter);
        boolean budget = choose.oneIn(4);
        List<Insn> body = budget ? settling() : choose.oneIn(4) ? several(2) : straight();
        choose.thaw(counter);
        if (budget) {
            insns.add(new Insn.MayGoto((short) (slots(body) + 2)));
        }
        insns.addAll(body);
        insns.add(new Insn.Alu(AluOp.SUB, Width.W64, counter, new Operand.Imm(1)));
        int back = slots(body) + 2 + (budget ? 1 : 0);
        insns.add(new Insn.Branch(JumpOp.JNE, choose.width(), counter, new Operand.Imm(0), (short) -back));
        return insns;
    }

    /** Skips {@code distance} slots or not. */
    Insn branch(int distance) {
        Reg tested = choose.source();
        Operand other = choose.operand();
        JumpOp op = choose.of(JumpOp.values());
        while (op == JumpOp.JSET && (choose.isFrozen(tested) || isFrozen(other))) {
            op = choose.of(JumpOp.values());
        }
        return new Insn.Branch(op, choose.width(), tested, other, (short) distance);
    }

    /**
     * The kernel's verifier follows both ways of a test of bits, also when one is impossible: a loop's counter then has a
     * value there from which it never comes to its end, and the walk takes a million instructions.
     */
    private boolean isFrozen(Operand operand) {
        return operand instanceof Operand.Src(Reg reg) && choose.isFrozen(reg);
    }

    static int slots(List<Insn> insns) {
        return insns.stream().mapToInt(Insn::slots).sum();
    }
}
