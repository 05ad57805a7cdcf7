package graft.ebpf.insn;

import graft.ebpf.helper.Helper;
import java.util.Locale;

/** Text of instructions in the kernel's style, for example {@code r0 = *(u64 *)(r6 +0)} and {@code if w1 s> 0x5 goto pc+3}. */
public final class Disassembler {
    private Disassembler() {}

    /** A whole program, one line per instruction, each beginning with its slot. */
    public static String text(InsnList insns) {
        StringBuilder out = new StringBuilder();
        int slot = 0;
        for (Insn insn : insns.insns()) {
            out.append("%4d: %s%n".formatted(slot, text(insn)));
            slot += insn.slots();
        }
        return out.toString();
    }

    /** One instruction. */
    public static String text(Insn insn) {
        return switch (insn) {
            case Insn.Alu(var op, var width, var dst, var src) ->
                register(dst, width) + " " + symbol(op) + " " + operand(src, width);
            case Insn.Neg(var width, var dst) -> register(dst, width) + " = -" + register(dst, width);
            case Insn.MoveSigned(var width, var bits, var dst, var src) ->
                "%s = (s%d)%s".formatted(register(dst, width), bits, register(src, width));
            case Insn.Swap(var order, var bits, var dst) -> "%s = %s%d %s".formatted(dst, prefix(order), bits, dst);
            case Insn.LoadWide(var dst, var value) -> dst + " = " + text(value);
            case Insn.Load(var size, var extension, var dst, var base, var offset) ->
                "%s = *(%s%d *)(%s %+d)"
                        .formatted(dst, extension == Extension.SIGN ? "s" : "u", bits(size), base, offset);
            case Insn.Store(var size, var base, var offset, var value) ->
                "*%s = %s".formatted(memory(size, base, offset), value);
            case Insn.Atomic atomic -> atomic(atomic);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                "%s = load_acquire(%s)".formatted(dst, memory(size, base, offset));
            case Insn.StoreRelease(var size, var base, var offset, var src) ->
                "store_release(%s, %s)".formatted(memory(size, base, offset), src);
            case Insn.Jump(var distance) -> "goto pc%+d".formatted(distance);
            case Insn.Branch(var op, var width, var dst, var src, var distance) ->
                "if %s %s %s goto pc%+d".formatted(register(dst, width), symbol(op), compared(src, width), distance);
            case Insn.MayGoto(var distance) -> "may_goto pc%+d".formatted(distance);
            case Insn.CallHelper(var helper) -> "call " + helper(helper) + "#" + helper;
            case Insn.CallLocal(var distance) -> "call pc%+d".formatted(distance);
            case Insn.CallKernelFunction(var name) -> "call " + name;
            case Insn.Exit() -> "exit";
            case Insn.Poison(var reason, var _) -> "<invalid: " + reason + ">";
        };
    }

    private static String text(Wide wide) {
        return switch (wide) {
            case Wide.Constant(var value) -> "0x%x ll".formatted(value);
            case Wide.MapPointer(var map) -> "map[" + map + "]";
            case Wide.MapValue(var map, var offset) -> "map[%s][0]+%d".formatted(map, offset);
            case Wide.Function(var slot) -> "function at " + slot;
            case Wide.KernelSymbol(var name) -> "ksym[" + name + "]";
        };
    }

    private static String atomic(Insn.Atomic insn) {
        String memory = memory(insn.size(), insn.base(), insn.offset());
        String call = insn.size() == MemSize.DW ? "atomic64_" : "atomic_";
        String name = insn.op().name().toLowerCase(Locale.ROOT);
        if (insn.op() == AtomicOp.CMPXCHG) {
            return "r0 = %s%s(%s, r0, %s)".formatted(call, name, memory, insn.src());
        }
        if (insn.op() == AtomicOp.XCHG) {
            return "%s = %s%s(%s, %s)".formatted(insn.src(), call, name, memory, insn.src());
        }
        if (insn.fetch() == Fetch.OLD_VALUE) {
            return "%s = %sfetch_%s(%s, %s)".formatted(insn.src(), call, name, memory, insn.src());
        }
        String symbol = switch (insn.op()) {
            case ADD -> "+=";
            case OR -> "|=";
            case AND -> "&=";
            case XOR -> "^=";
            case XCHG, CMPXCHG -> "=";
        };
        return "lock *%s %s %s".formatted(memory, symbol, insn.src());
    }

    private static String memory(MemSize size, Reg base, short offset) {
        return "(u%d *)(%s %+d)".formatted(bits(size), base, offset);
    }

    private static int bits(MemSize size) {
        return size.bytes() * 8;
    }

    private static String register(Reg reg, Width width) {
        return (width == Width.W32 ? "w" : "r") + reg.number();
    }

    private static String operand(Operand operand, Width width) {
        return switch (operand) {
            case Operand.Imm(var value) -> Integer.toString(value);
            case Operand.Src(var reg) -> register(reg, width);
        };
    }

    private static String compared(Operand operand, Width width) {
        return switch (operand) {
            case Operand.Imm(var value) -> "0x%x".formatted(value);
            case Operand.Src(var reg) -> register(reg, width);
        };
    }

    private static String prefix(ByteOrder order) {
        return switch (order) {
            case TO_LE -> "le";
            case TO_BE -> "be";
            case SWAP -> "bswap";
        };
    }

    private static String helper(int number) {
        return Helper.byNumber(number)
                .map(helper -> "bpf_" + helper.name().toLowerCase(Locale.ROOT))
                .orElse("helper");
    }

    private static String symbol(AluOp op) {
        return switch (op) {
            case ADD -> "+=";
            case SUB -> "-=";
            case MUL -> "*=";
            case DIV -> "/=";
            case SDIV -> "s/=";
            case MOD -> "%=";
            case SMOD -> "s%=";
            case OR -> "|=";
            case AND -> "&=";
            case XOR -> "^=";
            case LSH -> "<<=";
            case RSH -> ">>=";
            case ARSH -> "s>>=";
            case MOV -> "=";
        };
    }

    private static String symbol(JumpOp op) {
        return switch (op) {
            case JEQ -> "==";
            case JGT -> ">";
            case JGE -> ">=";
            case JSET -> "&";
            case JNE -> "!=";
            case JSGT -> "s>";
            case JSGE -> "s>=";
            case JLT -> "<";
            case JLE -> "<=";
            case JSLT -> "s<";
            case JSLE -> "s<=";
        };
    }
}
