package graft.ebpf.insn;

import java.util.random.RandomGenerator;

/** Any instruction that has an encoding, with any operands. */
final class RandomInsns {
    private static final int KINDS = 19;

    private final RandomGenerator random;

    RandomInsns(RandomGenerator random) {
        this.random = random;
    }

    Insn next() {
        return switch (random.nextInt(KINDS)) {
            case 0 -> new Insn.Neg(width(), reg());
            case 1 -> moveSigned();
            case 2 -> new Insn.Swap(one(ByteOrder.values()), 16 << random.nextInt(3), reg());
            case 3 -> new Insn.LoadWide(reg(), new Wide.Constant(random.nextLong() >> random.nextInt(64)));
            case 4 -> load();
            case 5 -> new Insn.Store(size(), reg(), offset(), operand());
            case 6, 7 -> atomic();
            case 8 -> new Insn.LoadAcquire(size(), reg(), reg(), offset());
            case 9 -> new Insn.StoreRelease(size(), reg(), offset(), reg());
            case 10 -> new Insn.Jump(Insn.Jump.Form.SHORT, offset());
            case 11 -> new Insn.Jump(Insn.Jump.Form.LONG, number());
            case 12 -> new Insn.Branch(one(JumpOp.values()), width(), reg(), operand(), offset());
            case 13 -> new Insn.MayGoto(offset());
            case 14 ->
                new Insn.CallHelper(random.nextBoolean() ? random.nextInt(220) : random.nextInt(Integer.MAX_VALUE));
            case 15 -> new Insn.CallLocal(number());
            case 16 -> new Insn.Exit();
            case 17 -> new Insn.CastAddress(one(AddressCast.values()), reg(), reg());
            default -> new Insn.Alu(one(AluOp.values()), width(), reg(), operand());
        };
    }

    private Insn moveSigned() {
        Width width = width();
        return new Insn.MoveSigned(width, 8 << random.nextInt(width == Width.W64 ? 3 : 2), reg(), reg());
    }

    private Insn load() {
        MemSize size = size();
        boolean signed = size != MemSize.DW && random.nextBoolean();
        return new Insn.Load(size, signed ? Extension.SIGN : Extension.ZERO, reg(), reg(), offset());
    }

    private Insn atomic() {
        AtomicOp op = one(AtomicOp.values());
        Fetch fetch = op.alwaysFetches() || random.nextBoolean() ? Fetch.OLD_VALUE : Fetch.NONE;
        MemSize size = random.nextBoolean() ? MemSize.W : MemSize.DW;
        return new Insn.Atomic(op, fetch, size, reg(), offset(), reg());
    }

    private <T> T one(T[] all) {
        return all[random.nextInt(all.length)];
    }

    private Width width() {
        return one(Width.values());
    }

    private MemSize size() {
        return one(MemSize.values());
    }

    private Reg reg() {
        return one(Reg.values());
    }

    private short offset() {
        return (short) (number() >> 16);
    }

    private int number() {
        return random.nextInt() >> random.nextInt(32);
    }

    private Operand operand() {
        return random.nextBoolean() ? new Operand.Src(reg()) : new Operand.Imm(number());
    }
}
