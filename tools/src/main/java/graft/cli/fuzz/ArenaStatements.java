package graft.cli.fuzz;

import graft.ebpf.insn.AddressCast;
import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.AtomicOp;
import graft.ebpf.insn.Extension;
import graft.ebpf.insn.Fetch;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import graft.ebpf.object.ArenaArea;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Accesses to an arena of two pages: inside, across its ends, and anywhere. Registers keep numbers afterwards. */
final class ArenaStatements {
    /** Its low half is the last page below 2 GiB. */
    private static final long START = 1L << 44 | 0x7fff_f000L;

    /** The arena that every program may use. */
    static final MapSpec ARENA = new MapSpec.Builder("arena", MapType.ARENA)
            .sizes(0, 0, 2)
            .flags(MapSpec.MMAPABLE)
            .extra(START)
            .build();

    /** Where it is. */
    static final ArenaArea AREA = ArenaArea.of(ARENA);

    private static final AluOp[] MOVES = {AluOp.ADD, AluOp.SUB, AluOp.XOR, AluOp.AND, AluOp.OR, AluOp.MUL, AluOp.RSH};
    private static final AtomicOp[] FETCHING = {AtomicOp.ADD, AtomicOp.XCHG};

    private final Choice choose;

    ArenaStatements(Choice choose) {
        this.choose = choose;
    }

    /** An address, perhaps moved; an access; and the register of the address a number again. */
    List<Insn> access() {
        Reg base = choose.destination();
        int bytes = (int) AREA.bytes();
        int at = choose.oneIn(4) ? bytes - 8 + choose.below(8) : choose.below(bytes);
        List<Insn> insns = new ArrayList<>();
        insns.add(new Insn.LoadWide(base, new Wide.MapValue(ARENA.name(), at)));
        insns.add(new Insn.CastAddress(AddressCast.TO_ACCESS, base, base));
        if (choose.oneIn(4)) {
            insns.add(moved(base));
        }
        Insn access = accessed(base);
        insns.add(access);
        if (access instanceof Insn.Atomic(var _, Fetch fetch, MemSize size, var _, var _, Reg old)
                && fetch == Fetch.OLD_VALUE
                && size == MemSize.W) {
            // Outside nothing is fetched, and the kernel's verifier counts on an upper half of zeros.
            insns.add(new Insn.Alu(AluOp.MOV, Width.W32, old, new Operand.Src(old)));
        }
        insns.add(
                choose.oneIn(2)
                        ? new Insn.CastAddress(AddressCast.TO_KEEP, base, base)
                        : new Insn.Alu(AluOp.MOV, choose.width(), base, new Operand.Imm((int) choose.value())));
        return insns;
    }

    /** What a case without tail calls may have changed: the map's value and the arena. */
    static byte[] behind(byte[] value, byte[] arena) {
        byte[] both = Arrays.copyOf(value, value.length + arena.length);
        System.arraycopy(arena, 0, both, value.length, arena.length);
        return both;
    }

    private Insn moved(Reg base) {
        AluOp op = choose.of(MOVES);
        Operand by =
                op == AluOp.RSH || choose.oneIn(2) ? new Operand.Imm(choose.below(31)) : new Operand.Src(other(base));
        return new Insn.Alu(op, choose.width(), base, by);
    }

    private Reg other(Reg base) {
        Reg reg = choose.source();
        while (reg == base) {
            reg = choose.source();
        }
        return reg;
    }

    private Insn accessed(Reg base) {
        MemSize size = choose.of(MemSize.values());
        MemSize word = choose.oneIn(2) ? MemSize.W : MemSize.DW;
        short offset = (short) (choose.oneIn(8) ? choose.value() : choose.below(32) - 16);
        return switch (choose.below(7)) {
            case 0 -> new Insn.Store(size, base, offset, new Operand.Imm((int) choose.value()));
            case 1 -> new Insn.Store(size, base, offset, new Operand.Src(other(base)));
            case 2 ->
                new Insn.Atomic(choose.of(FETCHING), Fetch.OLD_VALUE, word, base, offset, choose.destinationBut(base));
            case 3 -> new Insn.Atomic(AtomicOp.OR, Fetch.NONE, word, base, offset, other(base));
            default -> {
                boolean signed = size != MemSize.DW && choose.oneIn(2);
                Reg dst = choose.destinationBut(base);
                yield new Insn.Load(size, signed ? Extension.SIGN : Extension.ZERO, dst, base, offset);
            }
        };
    }
}
