package graft.ebpf.insn;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What stands behind {@code rN =}. */
final class AssemblyValue {
    private final AssemblyLine line;
    private final AssemblyOperands operands;

    AssemblyValue(AssemblyLine line, AssemblyOperands operands) {
        this.line = line;
        this.operands = operands;
    }

    Insn read(AssemblyOperands.Named dst) {
        if (line.sees(0, "*")) {
            line.expect("*");
            return load(dst, operands.memory());
        }
        if (line.sees(0, "(")) {
            return moveSigned(dst);
        }
        if (line.sees(0, "-") && line.seesWord(1)) {
            int column = line.column();
            line.expect("-");
            if (operands.same(dst.width()) != dst.reg()) {
                throw new AssemblyLine.Unreadable(column, "negation changes its own register", "move the value first");
            }
            return new Insn.Neg(dst.width(), dst.reg());
        }
        if (line.seesWord() && !line.peek().matches("[rw]\\d+")) {
            return named(dst);
        }
        if (line.seesWord()) {
            return new Insn.Alu(AluOp.MOV, dst.width(), dst.reg(), new Operand.Src(operands.same(dst.width())));
        }
        return number(dst);
    }

    private Insn number(AssemblyOperands.Named dst) {
        int column = line.column();
        long value = line.number("a register or a number");
        if (line.takes("ll")) {
            AssemblyOperands.requireWide(dst, column);
            return new Insn.LoadWide(dst.reg(), new Wide.Constant(value));
        }
        if (value != (int) value && (dst.width() == Width.W64 || value >>> 32 != 0)) {
            throw AssemblyOperands.tooLarge(column, value);
        }
        return new Insn.Alu(AluOp.MOV, dst.width(), dst.reg(), new Operand.Imm((int) value));
    }

    private Insn load(AssemblyOperands.Named dst, AssemblyOperands.Memory from) {
        boolean narrow = from.size() != MemSize.DW && from.extension() == Extension.ZERO;
        if (!narrow) {
            AssemblyOperands.requireWide(dst, from.column());
        }
        if (from.size() == MemSize.DW && from.extension() == Extension.SIGN) {
            throw new AssemblyLine.Unreadable(from.column(), "64 bits have nothing to extend", "write u64");
        }
        return new Insn.Load(from.size(), from.extension(), dst.reg(), from.base(), from.offset());
    }

    private Insn moveSigned(AssemblyOperands.Named dst) {
        line.expect("(");
        int column = line.column();
        String type = line.word("s8, s16 or s32");
        List<String> types = dst.width() == Width.W64 ? List.of("s8", "s16", "s32") : List.of("s8", "s16");
        if (!types.contains(type)) {
            throw new AssemblyLine.Unreadable(
                    column, type + " cannot be extended to this register", "one of " + String.join(", ", types));
        }
        line.expect(")");
        return new Insn.MoveSigned(
                dst.width(), Integer.parseInt(type.substring(1)), dst.reg(), operands.same(dst.width()));
    }

    /** {@code be16 r1}, {@code map[name]}, {@code load_acquire(…)}, {@code atomic_xchg(…)} and their like. */
    private Insn named(AssemblyOperands.Named dst) {
        int column = line.column();
        String word = line.word("a value");
        Optional<ByteOrder> order = Arrays.stream(ByteOrder.values())
                .filter(known -> word.matches(known.function() + "(16|32|64)"))
                .findFirst();
        if (order.isPresent()) {
            return swap(
                    dst,
                    order.get(),
                    Integer.parseInt(word.substring(order.get().function().length())));
        }
        if (word.equals("load_acquire")) {
            line.expect("(");
            AssemblyOperands.Memory from = operands.place();
            line.expect(")");
            return new Insn.LoadAcquire(from.size(), dst.reg(), from.base(), from.offset());
        }
        if (word.equals("addr_space_cast")) {
            return cast(dst);
        }
        if (word.startsWith("atomic")) {
            return atomic(dst, word, column);
        }
        AssemblyOperands.requireWide(dst, column);
        return new Insn.LoadWide(dst.reg(), symbol(word, column));
    }

    private Insn cast(AssemblyOperands.Named dst) {
        line.expect("(");
        Reg src = operands.same(Width.W64);
        line.expect(",");
        int column = line.column();
        long to = line.number("an address space");
        line.expect(",");
        long from = line.number("an address space");
        line.expect(")");
        AssemblyOperands.requireWide(dst, column);
        return Arrays.stream(AddressCast.values())
                .filter(cast -> cast.spaces().equals(to + ", " + from))
                .findFirst()
                .map(cast -> new Insn.CastAddress(cast, dst.reg(), src))
                .orElseThrow(() -> new AssemblyLine.Unreadable(column, "there is no such cast", "write 0, 1 or 1, 0"));
    }

    private Insn swap(AssemblyOperands.Named dst, ByteOrder order, int bits) {
        int column = line.column();
        if (operands.named().reg() != dst.reg()) {
            throw new AssemblyLine.Unreadable(column, "a swap changes its own register", "move the value first");
        }
        return new Insn.Swap(order, bits, dst.reg());
    }

    private Insn atomic(AssemblyOperands.Named dst, String word, int column) {
        String function = word.replaceFirst("^atomic(64)?_", "");
        AtomicOp op = AssemblyOperands.one(AtomicOp.values(), AtomicOp::function, function, column);
        line.expect("(");
        AssemblyOperands.Memory at = operands.place();
        if (word.startsWith("atomic64") && at.size() != MemSize.DW) {
            throw new AssemblyLine.Unreadable(column, word + " is on 64 bits", "write atomic_" + function + ", or u64");
        }
        line.expect(",");
        int resultColumn = line.column();
        Reg src = operands.value(at.size());
        Reg result = src;
        if (op == AtomicOp.CMPXCHG) {
            if (src != Reg.R0) {
                throw new AssemblyLine.Unreadable(resultColumn, "the value compared with is in r0", "write r0");
            }
            result = Reg.R0;
            line.expect(",");
            src = operands.value(at.size());
        }
        line.expect(")");
        if (dst.reg() != result) {
            throw new AssemblyLine.Unreadable(
                    column, "the old value goes to " + result, "write " + result + " = " + word);
        }
        return new Insn.Atomic(op, Fetch.OLD_VALUE, AssemblyOperands.word(at), at.base(), at.offset(), src);
    }

    private Wide symbol(String word, int column) {
        switch (word) {
            case "map" -> {
                String map = inBrackets();
                if (!line.takes("[")) {
                    return new Wide.MapPointer(map);
                }
                line.expect("0");
                line.expect("]");
                return new Wide.MapValue(map, line.isAtEnd() ? 0 : line.number("an offset"));
            }
            case "ksym" -> {
                return new Wide.KernelSymbol(inBrackets());
            }
            case "function" -> {
                if (line.takes("at")) {
                    return new Wide.Function((int) line.number("a slot"));
                }
                return new Wide.Function(operands.labelled());
            }
            default ->
                throw new AssemblyLine.Unreadable(
                        column, word + " is no register, number or function", "graft vm disasm shows the syntax");
        }
    }

    private String inBrackets() {
        line.expect("[");
        String name = line.word("a name");
        line.expect("]");
        return name;
    }
}
