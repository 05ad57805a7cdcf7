package graft.ebpf.insn;

import java.util.Collections;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Names for what instructions do, whatever their registers and numbers: one for each opcode, and where an opcode does
 * several things, one for each. For counting which of them a set of programs uses.
 */
public final class InsnKind {
    /** Every kind that the compiler and the interpreter run. */
    public static final SortedSet<String> ALL = Collections.unmodifiableSortedSet(all());

    private InsnKind() {}

    /** The name of {@code insn}'s kind. */
    public static String of(Insn insn) {
        return switch (insn) {
            case Insn.Alu(var op, var width, var _, var src) -> name(op) + bits(width) + source(src);
            case Insn.Neg(var width, var _) -> "neg" + bits(width);
            case Insn.MoveSigned(var width, var bits, var _, var _) -> "movs" + bits + "to" + bits(width);
            case Insn.CastAddress(var cast, var _, var _) -> "addr_space_cast " + cast.spaces();
            case Insn.Swap(var order, var bits, var _) -> order.function() + bits;
            case Insn.LoadWide _ -> "lddw";
            case Insn.Load(var size, var extension, var _, var _, var _) ->
                (extension == Extension.SIGN ? "ldxs" : "ldx") + size.bits();
            case Insn.Store(var size, var _, var _, var value) -> "st" + size.bits() + source(value);
            case Insn.Atomic(var op, var fetch, var size, var _, var _, var _) ->
                "atomic " + (fetch == Fetch.OLD_VALUE && !op.alwaysFetches() ? "fetch " : "") + name(op) + size.bits();
            case Insn.LoadAcquire(var size, var _, var _, var _) -> "acquire" + size.bits();
            case Insn.StoreRelease(var size, var _, var _, var _) -> "release" + size.bits();
            case Insn.Jump(var form, var _) -> form == Insn.Jump.Form.LONG ? "gotol" : "goto";
            case Insn.Branch(var op, var width, var _, var src, var _) -> name(op) + bits(width) + source(src);
            case Insn.MayGoto _ -> "may_goto";
            case Insn.CallHelper _ -> "call helper";
            case Insn.CallLocal _ -> "call function";
            case Insn.CallKernelFunction _ -> "call kernel function";
            case Insn.Exit _ -> "exit";
            case Insn.Poison _ -> "poison";
        };
    }

    private static String name(Enum<?> op) {
        return op.name().toLowerCase(Locale.ROOT);
    }

    private static int bits(Width width) {
        return width == Width.W64 ? 64 : 32;
    }

    private static String source(Operand operand) {
        return operand instanceof Operand.Imm ? " imm" : " reg";
    }

    private static TreeSet<String> all() {
        TreeSet<String> kinds = new TreeSet<>();
        for (Operand operand : new Operand[] {new Operand.Imm(0), new Operand.Src(Reg.R0)}) {
            for (Width width : Width.values()) {
                for (AluOp op : AluOp.values()) {
                    kinds.add(of(new Insn.Alu(op, width, Reg.R0, operand)));
                }
                for (JumpOp op : JumpOp.values()) {
                    kinds.add(of(new Insn.Branch(op, width, Reg.R0, operand, (short) 0)));
                }
            }
            for (MemSize size : MemSize.values()) {
                kinds.add(of(new Insn.Store(size, Reg.R0, (short) 0, operand)));
            }
        }
        moves(kinds);
        loads(kinds);
        atomics(kinds);
        kinds.add("lddw");
        kinds.add("goto");
        kinds.add("gotol");
        kinds.add("may_goto");
        kinds.add("call helper");
        kinds.add("call function");
        kinds.add("exit");
        return kinds;
    }

    private static void moves(TreeSet<String> kinds) {
        for (Width width : Width.values()) {
            kinds.add(of(new Insn.Neg(width, Reg.R0)));
            for (int bits = 8; bits < bits(width); bits *= 2) {
                kinds.add(of(new Insn.MoveSigned(width, bits, Reg.R0, Reg.R0)));
            }
        }
        for (AddressCast cast : AddressCast.values()) {
            kinds.add(of(new Insn.CastAddress(cast, Reg.R0, Reg.R0)));
        }
        for (ByteOrder order : ByteOrder.values()) {
            for (int bits = 16; bits <= 64; bits *= 2) {
                kinds.add(of(new Insn.Swap(order, bits, Reg.R0)));
            }
        }
    }

    private static void loads(TreeSet<String> kinds) {
        for (MemSize size : MemSize.values()) {
            for (Extension extension : Extension.values()) {
                if (extension == Extension.ZERO || size != MemSize.DW) {
                    kinds.add(of(new Insn.Load(size, extension, Reg.R0, Reg.R0, (short) 0)));
                }
            }
            kinds.add(of(new Insn.LoadAcquire(size, Reg.R0, Reg.R0, (short) 0)));
            kinds.add(of(new Insn.StoreRelease(size, Reg.R0, (short) 0, Reg.R0)));
        }
    }

    private static void atomics(TreeSet<String> kinds) {
        for (AtomicOp op : AtomicOp.values()) {
            for (MemSize size : new MemSize[] {MemSize.W, MemSize.DW}) {
                for (Fetch fetch : Fetch.values()) {
                    if (fetch == Fetch.OLD_VALUE || !op.alwaysFetches()) {
                        kinds.add(of(new Insn.Atomic(op, fetch, size, Reg.R0, (short) 0, Reg.R0)));
                    }
                }
            }
        }
    }
}
