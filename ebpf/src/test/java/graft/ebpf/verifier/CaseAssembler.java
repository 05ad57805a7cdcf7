package graft.ebpf.verifier;

import graft.ebpf.helper.Helper;
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
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Instructions from text in the kernel's style, with labels; one statement per line or between semicolons. */
final class CaseAssembler {
    private static final Map<String, AluOp> ALU = Map.ofEntries(
            Map.entry("=", AluOp.MOV),
            Map.entry("+=", AluOp.ADD),
            Map.entry("-=", AluOp.SUB),
            Map.entry("*=", AluOp.MUL),
            Map.entry("/=", AluOp.DIV),
            Map.entry("s/=", AluOp.SDIV),
            Map.entry("%=", AluOp.MOD),
            Map.entry("s%=", AluOp.SMOD),
            Map.entry("|=", AluOp.OR),
            Map.entry("&=", AluOp.AND),
            Map.entry("^=", AluOp.XOR),
            Map.entry("<<=", AluOp.LSH),
            Map.entry(">>=", AluOp.RSH),
            Map.entry("s>>=", AluOp.ARSH));
    private static final Map<String, JumpOp> JUMPS = Map.ofEntries(
            Map.entry("==", JumpOp.JEQ),
            Map.entry("!=", JumpOp.JNE),
            Map.entry(">", JumpOp.JGT),
            Map.entry(">=", JumpOp.JGE),
            Map.entry("<", JumpOp.JLT),
            Map.entry("<=", JumpOp.JLE),
            Map.entry("s>", JumpOp.JSGT),
            Map.entry("s>=", JumpOp.JSGE),
            Map.entry("s<", JumpOp.JSLT),
            Map.entry("s<=", JumpOp.JSLE),
            Map.entry("&", JumpOp.JSET));
    private static final String MEMORY = "\\*\\(([us])(8|16|32|64) \\*\\)\\(r(\\d+) ([+-]\\d+)\\)";
    private static final Pattern BRANCH = Pattern.compile("if ([rw])(\\d+) (\\S+) (\\S+) goto (\\S+)");
    private static final Pattern LOAD = Pattern.compile("r(\\d+) = " + MEMORY);
    private static final Pattern STORE = Pattern.compile(MEMORY + " = (\\S+)");
    private static final Pattern ATOMIC = Pattern.compile("(lock|fetch|xchg|cmpxchg) " + MEMORY + " (\\S+) r(\\d+)");
    private static final Pattern WIDE = Pattern.compile("r(\\d+) = (\\S+) ll");
    private static final Pattern MAP = Pattern.compile("r(\\d+) = map (\\w+)");
    private static final Pattern VALUE = Pattern.compile("r(\\d+) = value (\\w+) (\\d+)");
    private static final Pattern SIGNED = Pattern.compile("([rw])(\\d+) = \\(s(8|16|32)\\)[rw](\\d+)");
    private static final Pattern SWAP = Pattern.compile("r(\\d+) = (le|be|bswap)(16|32|64)");
    private static final Pattern NEG = Pattern.compile("([rw])(\\d+) = -[rw](\\d+)");
    private static final Pattern ARITHMETIC = Pattern.compile("([rw])(\\d+) (\\S+) (\\S+)");

    private final Map<String, Integer> labels = new HashMap<>();
    private final List<String> statements = new ArrayList<>();

    private CaseAssembler() {}

    static InsnList assemble(String text) {
        CaseAssembler assembler = new CaseAssembler();
        assembler.readStatements(text);
        List<Insn> insns = new ArrayList<>();
        int slot = 0;
        for (String statement : assembler.statements) {
            Insn insn = assembler.insn(statement, slot);
            insns.add(insn);
            slot += insn.slots();
        }
        return InsnList.of(insns);
    }

    private void readStatements(String text) {
        int slot = 0;
        for (String part : text.split("[;\n]")) {
            String statement = part.strip();
            if (statement.endsWith(":")) {
                labels.put(statement.substring(0, statement.length() - 1), slot);
            } else if (!statement.isEmpty()) {
                statements.add(statement);
                boolean wide = WIDE.matcher(statement).matches()
                        || MAP.matcher(statement).matches()
                        || VALUE.matcher(statement).matches();
                slot += wide ? 2 : 1;
            }
        }
    }

    private int distance(String label, int slot) {
        return label.matches("[+-]\\d+") ? Integer.parseInt(label) : labels.get(label) - slot - 1;
    }

    private Insn insn(String text, int slot) {
        if (text.equals("exit")) {
            return new Insn.Exit();
        }
        if (text.startsWith("goto ")) {
            return new Insn.Jump(distance(text.substring(5), slot));
        }
        if (text.equals("poison")) {
            return new Insn.Poison("field gone");
        }
        if (text.startsWith("call ")) {
            return call(text.substring(5), slot);
        }
        Matcher branch = BRANCH.matcher(text);
        if (branch.matches()) {
            return new Insn.Branch(
                    JUMPS.get(branch.group(3)),
                    width(branch.group(1)),
                    reg(branch.group(2)),
                    operand(branch.group(4)),
                    (short) distance(branch.group(5), slot));
        }
        return memory(text);
    }

    private Insn call(String callee, int slot) {
        if (labels.containsKey(callee)) {
            return new Insn.CallLocal(distance(callee, slot));
        }
        return new Insn.CallHelper(
                callee.matches("\\d+")
                        ? Integer.parseInt(callee)
                        : Helper.valueOf(callee.toUpperCase(Locale.ROOT)).number());
    }

    private Insn memory(String text) {
        Matcher load = LOAD.matcher(text);
        if (load.matches()) {
            Extension extension = load.group(2).equals("s") ? Extension.SIGN : Extension.ZERO;
            return new Insn.Load(
                    size(load.group(3)), extension, reg(load.group(1)), reg(load.group(4)), offset(load.group(5)));
        }
        Matcher store = STORE.matcher(text);
        if (store.matches()) {
            return new Insn.Store(
                    size(store.group(2)), reg(store.group(3)), offset(store.group(4)), operand(store.group(5)));
        }
        Matcher atomic = ATOMIC.matcher(text);
        if (atomic.matches()) {
            return atomic(atomic);
        }
        return wide(text);
    }

    private Insn atomic(Matcher match) {
        AtomicOp op = switch (match.group(1)) {
            case "xchg" -> AtomicOp.XCHG;
            case "cmpxchg" -> AtomicOp.CMPXCHG;
            default -> AtomicOp.valueOf(ALU.get(match.group(6)).name());
        };
        Fetch fetch = match.group(1).equals("lock") ? Fetch.NONE : Fetch.OLD_VALUE;
        return new Insn.Atomic(
                op, fetch, size(match.group(3)), reg(match.group(4)), offset(match.group(5)), reg(match.group(7)));
    }

    private Insn wide(String text) {
        Matcher wide = WIDE.matcher(text);
        if (wide.matches()) {
            long value = wide.group(2).startsWith("0x")
                    ? Long.parseUnsignedLong(wide.group(2).substring(2), 16)
                    : Long.parseLong(wide.group(2));
            return new Insn.LoadWide(reg(wide.group(1)), new Wide.Constant(value));
        }
        Matcher map = MAP.matcher(text);
        if (map.matches()) {
            return new Insn.LoadWide(reg(map.group(1)), new Wide.MapPointer(map.group(2)));
        }
        Matcher value = VALUE.matcher(text);
        if (value.matches()) {
            return new Insn.LoadWide(
                    reg(value.group(1)), new Wide.MapValue(value.group(2), Long.parseLong(value.group(3))));
        }
        return arithmetic(text);
    }

    private Insn arithmetic(String text) {
        Matcher signed = SIGNED.matcher(text);
        if (signed.matches()) {
            return new Insn.MoveSigned(
                    width(signed.group(1)),
                    Integer.parseInt(signed.group(3)),
                    reg(signed.group(2)),
                    reg(signed.group(4)));
        }
        Matcher swap = SWAP.matcher(text);
        if (swap.matches()) {
            ByteOrder order = switch (swap.group(2)) {
                case "le" -> ByteOrder.TO_LE;
                case "be" -> ByteOrder.TO_BE;
                default -> ByteOrder.SWAP;
            };
            return new Insn.Swap(order, Integer.parseInt(swap.group(3)), reg(swap.group(1)));
        }
        Matcher neg = NEG.matcher(text);
        if (neg.matches() && neg.group(2).equals(neg.group(3))) {
            return new Insn.Neg(width(neg.group(1)), reg(neg.group(2)));
        }
        Matcher alu = ARITHMETIC.matcher(text);
        if (!alu.matches() || !ALU.containsKey(alu.group(3))) {
            throw new IllegalArgumentException("not an instruction: " + text);
        }
        return new Insn.Alu(ALU.get(alu.group(3)), width(alu.group(1)), reg(alu.group(2)), operand(alu.group(4)));
    }

    private static Width width(String letter) {
        return letter.equals("w") ? Width.W32 : Width.W64;
    }

    private static Reg reg(String number) {
        return Reg.of(Integer.parseInt(number));
    }

    private static short offset(String text) {
        return Short.parseShort(text.startsWith("+") ? text.substring(1) : text);
    }

    private static MemSize size(String bits) {
        return switch (bits) {
            case "8" -> MemSize.B;
            case "16" -> MemSize.H;
            case "32" -> MemSize.W;
            default -> MemSize.DW;
        };
    }

    private static Operand operand(String text) {
        return text.matches("[rw]\\d+")
                ? new Operand.Src(reg(text.substring(1)))
                : new Operand.Imm(Long.decode(text).intValue());
    }
}
