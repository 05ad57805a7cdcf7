package graft.ebpf.jit.x86_64;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Wide;
import graft.ebpf.insn.Width;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What straight-line code shows about registers and stack words: just enough to see that a map lookup's key is a
 * constant that was stored a few instructions before. Anything not understood forgets.
 */
final class BlockState {
    /** What a register holds. */
    private sealed interface Known {
        record Constant(long value) implements Known {}

        record FrameAddress(long offset) implements Known {}
    }

    private final Map<Reg, Known> registers = new EnumMap<>(Reg.class);
    private final Map<Long, Integer> words = new HashMap<>();

    BlockState() {
        forget();
    }

    void forget() {
        registers.clear();
        registers.put(Reg.R10, new Known.FrameAddress(0));
        words.clear();
    }

    /** The 4-byte key that r2 points to, when it is known. */
    OptionalInt keyOfLookup() {
        if (registers.get(Reg.R2) instanceof Known.FrameAddress(long offset) && words.containsKey(offset)) {
            return OptionalInt.of(words.get(offset));
        }
        return OptionalInt.empty();
    }

    void step(Insn insn) {
        switch (insn) {
            case Insn.Alu alu when alu.width() == Width.W64 && alu.op() == AluOp.MOV -> move(alu);
            case Insn.Alu alu when alu.width() == Width.W64 && alu.op() == AluOp.ADD -> add(alu);
            case Insn.Alu(var op, var _, var dst, Operand.Imm(int value))
            when op == AluOp.MOV -> registers.put(dst, new Known.Constant(value & 0xffff_ffffL));
            case Insn.Alu alu -> registers.remove(alu.dst());
            case Insn.Neg neg -> registers.remove(neg.dst());
            case Insn.MoveSigned move -> registers.remove(move.dst());
            case Insn.Swap swap -> registers.remove(swap.dst());
            case Insn.LoadWide(var dst, Wide.Constant(long value)) -> registers.put(dst, new Known.Constant(value));
            case Insn.LoadWide wide -> registers.remove(wide.dst());
            case Insn.Load load -> registers.remove(load.dst());
            case Insn.Store store -> store(store);
            case Insn.Jump _, Insn.Branch _, Insn.MayGoto _ -> {}
            case Insn.LoadAcquire load -> registers.remove(load.dst());
            case Insn.Atomic _,
                    Insn.StoreRelease _,
                    Insn.CallHelper _,
                    Insn.CallLocal _,
                    Insn.CallKernelFunction _,
                    Insn.Exit _,
                    Insn.Poison _ -> forget();
        }
    }

    private void move(Insn.Alu alu) {
        switch (alu.src()) {
            case Operand.Imm(int value) -> registers.put(alu.dst(), new Known.Constant(value));
            case Operand.Src(Reg reg) -> {
                Known known = registers.get(reg);
                if (known == null) {
                    registers.remove(alu.dst());
                } else {
                    registers.put(alu.dst(), known);
                }
            }
        }
    }

    private void add(Insn.Alu alu) {
        if (alu.src() instanceof Operand.Imm(int value)
                && registers.get(alu.dst()) instanceof Known.FrameAddress(long offset)) {
            registers.put(alu.dst(), new Known.FrameAddress(offset + value));
        } else {
            registers.remove(alu.dst());
        }
    }

    /** A store through an unknown pointer may hit the frame. */
    private void store(Insn.Store store) {
        if (!(registers.get(store.base()) instanceof Known.FrameAddress(long base))) {
            words.clear();
            return;
        }
        long from = base + store.offset();
        long to = from + store.size().bytes();
        words.keySet().removeIf(word -> word < to && from < word + 4);
        if (store.size() == MemSize.W || store.size() == MemSize.DW) {
            constant(store.value()).ifPresent(value -> words.put(from, value));
        }
    }

    private OptionalInt constant(Operand operand) {
        return switch (operand) {
            case Operand.Imm(int value) -> OptionalInt.of(value);
            case Operand.Src(Reg reg)
            when registers.get(reg) instanceof Known.Constant(long value) -> OptionalInt.of((int) value);
            case Operand.Src _ -> OptionalInt.empty();
        };
    }
}
