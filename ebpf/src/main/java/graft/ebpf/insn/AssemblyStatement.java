package graft.ebpf.insn;

import graft.ebpf.helper.Helper;
import java.util.Optional;

/** One instruction from one line. Every form is that of {@link Disassembler}, or of LLVM where that differs. */
final class AssemblyStatement {
    private final AssemblyLine line;
    private final AssemblyOperands operands;

    AssemblyStatement(AssemblyLine line, AssemblyOperands operands) {
        this.line = line;
        this.operands = operands;
    }

    Insn read() {
        Insn insn = statement();
        line.expectEnd();
        return insn;
    }

    private Insn statement() {
        if (line.sees(0, "*")) {
            return store();
        }
        return switch (line.peek()) {
            case "exit" -> {
                line.expect("exit");
                yield new Insn.Exit();
            }
            case "goto", "gotol" -> jump();
            case "may_goto" -> {
                line.expect("may_goto");
                yield new Insn.MayGoto(operands.shortDistance());
            }
            case "if" -> branch();
            case "call" -> call();
            case "lock" -> lock();
            case "store_release" -> storeRelease();
            default -> assignment();
        };
    }

    private Insn jump() {
        Insn.Jump.Form form = line.takes("gotol") ? Insn.Jump.Form.LONG : Insn.Jump.Form.SHORT;
        if (form == Insn.Jump.Form.LONG) {
            return new Insn.Jump(form, operands.distance());
        }
        line.expect("goto");
        return new Insn.Jump(form, operands.shortDistance());
    }

    private Insn branch() {
        line.expect("if");
        AssemblyOperands.Named left = operands.named();
        int column = line.column();
        String symbol = line.sign("a comparison");
        JumpOp op = AssemblyOperands.one(JumpOp.values(), JumpOp::symbol, symbol, column);
        // Comparisons are written in hexadecimal whatever their width, so -1 may look like 32 bits.
        Operand right =
                line.seesWord() ? new Operand.Src(operands.same(left.width())) : new Operand.Imm(operands.bits32());
        line.expect("goto");
        return new Insn.Branch(op, left.width(), left.reg(), right, operands.shortDistance());
    }

    private Insn call() {
        line.expect("call");
        if (line.sees(0, "pc") || line.sees(0, "+") || line.sees(0, "-")) {
            return new Insn.CallLocal(operands.distance());
        }
        if (operands.seesLabel()) {
            return new Insn.CallLocal(operands.label());
        }
        int column = line.column();
        if (line.seesNumber()) {
            return new Insn.CallHelper(operands.bits32());
        }
        String name = line.word("what to call");
        Optional<Helper> helper = Helper.named(name);
        if (line.takes("#")) {
            int number = operands.bits32();
            if (helper.isPresent() && helper.get().number() != number) {
                throw new AssemblyLine.Unreadable(
                        column, "%s is helper %d".formatted(name, helper.get().number()), "leave the number out");
            }
            return new Insn.CallHelper(number);
        }
        return helper.<Insn>map(known -> new Insn.CallHelper(known.number()))
                .orElseGet(() -> new Insn.CallKernelFunction(name));
    }

    private Insn store() {
        line.expect("*");
        AssemblyOperands.Memory to = operands.place();
        line.expect("=");
        Operand value = line.seesWord()
                ? new Operand.Src(operands.value(to.size()))
                : new Operand.Imm(operands.immediate(to.size() == MemSize.DW ? Width.W64 : Width.W32));
        return new Insn.Store(to.size(), to.base(), to.offset(), value);
    }

    private Insn lock() {
        line.expect("lock");
        line.expect("*");
        AssemblyOperands.Memory at = operands.place();
        int column = line.column();
        String symbol = line.sign("an operator");
        AtomicOp op = AssemblyOperands.one(AtomicOp.values(), AtomicOp::symbol, symbol, column);
        return new Insn.Atomic(
                op, Fetch.NONE, AssemblyOperands.word(at), at.base(), at.offset(), operands.value(at.size()));
    }

    private Insn storeRelease() {
        line.expect("store_release");
        line.expect("(");
        AssemblyOperands.Memory to = operands.place();
        line.expect(",");
        Reg src = operands.value(to.size());
        line.expect(")");
        return new Insn.StoreRelease(to.size(), to.base(), to.offset(), src);
    }

    private Insn assignment() {
        AssemblyOperands.Named dst = operands.named();
        int column = line.column();
        String symbol = line.sign("an operator");
        AluOp op = AssemblyOperands.one(AluOp.values(), AluOp::symbol, symbol, column);
        return op == AluOp.MOV
                ? new AssemblyValue(line, operands).read(dst)
                : new Insn.Alu(op, dst.width(), dst.reg(), operands.operand(dst.width()));
    }
}
