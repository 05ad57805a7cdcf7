package graft.ebpf.jit;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.ByteOrder;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Programs over all registers and 64 bytes of stack, of every arithmetic, memory, atomic and jump form, that end with
 * a digest of everything in r0. Jumps lead forward. The kernel's verifier takes them all.
 */
final class RandomPrograms {
    static final int STACK_BYTES = 64;

    private static final long[] EDGES = {
        0,
        1,
        2,
        -1,
        -2,
        31,
        32,
        33,
        63,
        64,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Integer.MIN_VALUE,
        0x0123_4567_89ab_cdefL
    };
    private static final int REGISTERS = 10;

    private final SplittableRandom random;
    private final List<Insn> out = new ArrayList<>();

    private RandomPrograms(long seed) {
        this.random = new SplittableRandom(seed);
    }

    static InsnList program(long seed) {
        return new RandomPrograms(seed).generate();
    }

    private InsnList generate() {
        for (int i = 0; i < REGISTERS; i++) {
            constant(Reg.of(i));
        }
        for (int offset = 8; offset <= STACK_BYTES; offset += 8) {
            out.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -offset, new Operand.Src(register())));
        }
        int steps = 4 + random.nextInt(28);
        for (int i = 0; i < steps; i++) {
            if (random.nextInt(6) == 0) {
                branchOver();
            } else {
                out.addAll(step());
            }
        }
        digest();
        return InsnList.of(out);
    }

    private void constant(Reg reg) {
        out.add(new Insn.LoadWide(reg, new Wide.Constant(value())));
    }

    private long value() {
        return random.nextBoolean() ? EDGES[random.nextInt(EDGES.length)] : random.nextLong() >> random.nextInt(64);
    }

    private Reg register() {
        return Reg.of(random.nextInt(REGISTERS));
    }

    private Width width() {
        return random.nextBoolean() ? Width.W32 : Width.W64;
    }

    private <T> T any(T[] values) {
        return values[random.nextInt(values.length)];
    }

    private Operand operand() {
        return random.nextBoolean() ? new Operand.Src(register()) : new Operand.Imm((int) value());
    }

    private void branchOver() {
        List<Insn> skipped = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            skipped.addAll(step());
        }
        int slots = skipped.stream().mapToInt(Insn::slots).sum();
        out.add(new Insn.Branch(any(JumpOp.values()), width(), register(), operand(), (short) slots));
        out.addAll(skipped);
    }

    private List<Insn> step() {
        return switch (random.nextInt(10)) {
            case 0 -> List.of(new Insn.Neg(width(), register()));
            case 1 -> List.of(moveSigned());
            case 2 -> List.of(new Insn.Swap(any(ByteOrder.values()), 16 << random.nextInt(3), register()));
            case 3 -> memory();
            case 4 -> atomic();
            case 5 -> pair();
            default -> List.of(alu());
        };
    }

    private Insn alu() {
        AluOp op = any(AluOp.values());
        Width width = width();
        Operand src = operand();
        if (src instanceof Operand.Imm(int value)) {
            int safe = switch (op) {
                case LSH, RSH, ARSH -> value & (width == Width.W32 ? 31 : 63);
                case DIV, MOD, SDIV, SMOD -> value == 0 ? 3 : value;
                case ADD, SUB, MUL, OR, AND, XOR, MOV -> value;
            };
            src = new Operand.Imm(safe);
        }
        return new Insn.Alu(op, width, register(), src);
    }

    private Insn moveSigned() {
        Width width = width();
        int bits = 8 << random.nextInt(width == Width.W64 ? 3 : 2);
        return new Insn.MoveSigned(width, bits, register(), register());
    }

    private List<Insn> pair() {
        Reg dst = register();
        AluOp second = random.nextBoolean() ? AluOp.RSH : AluOp.ARSH;
        return List.of(
                new Insn.Alu(AluOp.LSH, Width.W64, dst, new Operand.Imm(32)),
                new Insn.Alu(second, Width.W64, dst, new Operand.Imm(32)));
    }

    /** Accesses through r10 itself or through any register that points to the stack, which is overwritten after. */
    private List<Insn> memory() {
        MemSize size = any(MemSize.values());
        short offset = offset(size);
        Reg base = random.nextInt(3) == 0 ? Reg.R10 : register();
        Reg other = register();
        List<Insn> insns = pointer(base);
        if (random.nextBoolean()) {
            boolean signed = size != MemSize.DW && random.nextBoolean();
            insns.add(
                    random.nextInt(5) == 0
                            ? new Insn.LoadAcquire(size, other, base, offset)
                            : new Insn.Load(size, signed ? Extension.SIGN : Extension.ZERO, other, base, offset));
        } else if (other == base) {
            insns.add(new Insn.Store(size, base, offset, new Operand.Imm((int) value())));
            other = Reg.R10;
        } else {
            insns.add(
                    random.nextInt(5) == 0
                            ? new Insn.StoreRelease(size, base, offset, other)
                            : new Insn.Store(size, base, offset, new Operand.Src(other)));
            other = Reg.R10;
        }
        forgetPointer(base, other, insns);
        return insns;
    }

    private List<Insn> atomic() {
        MemSize size = random.nextBoolean() ? MemSize.W : MemSize.DW;
        AtomicOp op = any(AtomicOp.values());
        boolean fetches = op == AtomicOp.XCHG || op == AtomicOp.CMPXCHG || random.nextInt(3) != 0;
        Reg base = random.nextInt(3) == 0 || op == AtomicOp.CMPXCHG && random.nextBoolean() ? Reg.R10 : register();
        Reg src = register();
        if (src == base || base == Reg.R0 && op == AtomicOp.CMPXCHG) {
            base = Reg.R10; // the value of a pointer differs between engines
        }
        List<Insn> insns = pointer(base);
        insns.add(new Insn.Atomic(op, fetches ? Fetch.OLD_VALUE : Fetch.NONE, size, base, offset(size), src));
        forgetPointer(base, Reg.R10, insns);
        if (op == AtomicOp.CMPXCHG && size == MemSize.W) {
            // Linux 6.18 can forget to zero-extend r0 unless it is used at once: docs/kernel-differences.md
            insns.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.of(1 + random.nextInt(9)), new Operand.Src(Reg.R0)));
        }
        return insns;
    }

    private List<Insn> pointer(Reg base) {
        List<Insn> insns = new ArrayList<>();
        if (base != Reg.R10) {
            insns.add(new Insn.Alu(AluOp.MOV, Width.W64, base, new Operand.Src(Reg.R10)));
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, base, new Operand.Imm(0)));
        }
        return insns;
    }

    private void forgetPointer(Reg base, Reg overwritten, List<Insn> insns) {
        if (base != Reg.R10 && base != overwritten) {
            insns.add(new Insn.LoadWide(base, new Wide.Constant(value())));
        }
    }

    private short offset(MemSize size) {
        int places = STACK_BYTES / size.bytes();
        return (short) (-size.bytes() * (1 + random.nextInt(places)));
    }

    private void digest() {
        Operand.Imm factor = new Operand.Imm(0x1000_01b3);
        for (int i = 1; i < REGISTERS; i++) {
            fold(Reg.of(i), factor);
        }
        for (int offset = 8; offset <= STACK_BYTES; offset += 8) {
            out.add(new Insn.Load(MemSize.DW, Extension.ZERO, Reg.R1, Reg.R10, (short) -offset));
            fold(Reg.R1, factor);
        }
        out.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Src(Reg.R0)));
        out.add(new Insn.Alu(AluOp.RSH, Width.W64, Reg.R1, new Operand.Imm(32)));
        out.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, new Operand.Src(Reg.R1)));
        out.add(new Insn.Exit());
    }

    private void fold(Reg reg, Operand.Imm factor) {
        out.add(new Insn.Alu(AluOp.MUL, Width.W64, Reg.R0, factor));
        out.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, new Operand.Src(reg)));
    }
}
