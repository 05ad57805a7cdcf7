package graft.ebpf.insn;

import graft.ebpf.helper.Helper;

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
                register(dst, width) + " " + op.symbol() + " " + operand(src, width);
            case Insn.Neg(var width, var dst) -> register(dst, width) + " = -" + register(dst, width);
            case Insn.MoveSigned(var width, var bits, var dst, var src) ->
                "%s = (s%d)%s".formatted(register(dst, width), bits, register(src, width));
            case Insn.CastAddress(var cast, var dst, var src) ->
                "%s = addr_space_cast(%s, %s)".formatted(dst, src, cast.spaces());
            case Insn.Swap(var order, var bits, var dst) -> "%s = %s%d %s".formatted(dst, order.function(), bits, dst);
            case Insn.LoadWide(var dst, var value) -> dst + " = " + text(value);
            case Insn.Load(var size, var extension, var dst, var base, var offset) ->
                "%s = *(%s%d *)(%s %+d)"
                        .formatted(dst, extension == Extension.SIGN ? "s" : "u", size.bits(), base, offset);
            case Insn.Store(var size, var base, var offset, var value) ->
                "*%s = %s".formatted(memory(size, base, offset), value);
            case Insn.Atomic atomic -> atomic(atomic);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                "%s = load_acquire(%s)".formatted(dst, memory(size, base, offset));
            case Insn.StoreRelease(var size, var base, var offset, var src) ->
                "store_release(%s, %s)".formatted(memory(size, base, offset), src);
            case Insn.Jump(var form, var distance) ->
                "%s pc%+d".formatted(form == Insn.Jump.Form.LONG ? "gotol" : "goto", distance);
            case Insn.Branch(var op, var width, var dst, var src, var distance) ->
                "if %s %s %s goto pc%+d".formatted(register(dst, width), op.symbol(), compared(src, width), distance);
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
        if (insn.fetch() == Fetch.NONE && !insn.op().alwaysFetches()) {
            return "lock *%s %s %s".formatted(memory, insn.op().symbol(), insn.src());
        }
        String call = (insn.size() == MemSize.DW ? "atomic64_" : "atomic_")
                + insn.op().function();
        return insn.op() == AtomicOp.CMPXCHG
                ? "r0 = %s(%s, r0, %s)".formatted(call, memory, insn.src())
                : "%s = %s(%s, %s)".formatted(insn.src(), call, memory, insn.src());
    }

    private static String memory(MemSize size, Reg base, short offset) {
        return "(u%d *)(%s %+d)".formatted(size.bits(), base, offset);
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

    private static String helper(int number) {
        return Helper.byNumber(number).map(Helper::text).orElse("helper");
    }
}
