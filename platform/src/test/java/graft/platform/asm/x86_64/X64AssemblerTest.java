package graft.platform.asm.x86_64;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import graft.platform.asm.CodeRangeException;
import graft.platform.asm.Label;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Every row of the assembler, with every register where it matters, read back by GNU objdump. */
class X64AssemblerTest {
    private static final long BASE = 0x40_0000;
    private static final List<String> OBJDUMP_BYTE_NAMES = List.of(
            "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b",
            "r15b");

    private final X64Assembler asm = new X64Assembler(BASE);
    private final List<String> expected = new ArrayList<>();

    private void row(String text, Consumer<X64Assembler> instruction) {
        expected.add(text);
        instruction.accept(asm);
    }

    private void matches() {
        assertThat(Objdump.disassemble(asm.finish(), BASE)).isEqualTo(expected);
    }

    private static String reg(Gpr reg, OpSize size) {
        return size == OpSize.B ? OBJDUMP_BYTE_NAMES.get(reg.number()) : reg.name(size);
    }

    private static String mem(OpSize size, String inside) {
        String type = switch (size) {
            case B -> "BYTE";
            case W -> "WORD";
            case D -> "DWORD";
            case Q -> "QWORD";
        };
        return type + " PTR " + inside;
    }

    private static String lower(Enum<?> row) {
        return row.name().toLowerCase(Locale.ROOT);
    }

    private static List<OpSize> wide() {
        return List.of(OpSize.W, OpSize.D, OpSize.Q);
    }

    @Test
    void movesBetweenAllRegistersInAllSizes() {
        for (OpSize size : OpSize.values()) {
            for (Gpr dst : Gpr.values()) {
                for (Gpr src : Gpr.values()) {
                    row("mov " + reg(dst, size) + "," + reg(src, size), a -> a.mov(size, dst, src));
                }
            }
        }
        matches();
    }

    @Test
    void namesRegistersAsTheAssemblerDoes() {
        for (Gpr reg : Gpr.values()) {
            assertThat(reg.name(OpSize.B)).isEqualTo(OBJDUMP_BYTE_NAMES.get(reg.number()));
        }
    }

    @Test
    void loadsAndStoresThroughEveryBaseWithEveryDisplacementSize() {
        for (OpSize size : OpSize.values()) {
            for (Gpr base : Gpr.values()) {
                for (int disp : new int[] {0, 0x10, -0x10, 0x1234, -0x1234}) {
                    String inside = mem(size, "[" + base.name(OpSize.Q) + displacement(base, disp) + "]");
                    row("mov " + inside + "," + reg(Gpr.RDI, size), a -> a.mov(size, Address.at(base, disp), Gpr.RDI));
                    row("mov " + reg(Gpr.R9, size) + "," + inside, a -> a.mov(size, Gpr.R9, Address.at(base, disp)));
                }
            }
        }
        matches();
    }

    private static String displacement(Gpr base, int disp) {
        if (disp == 0) {
            return base == Gpr.RBP || base == Gpr.R13 ? "+0x0" : "";
        }
        return (disp < 0 ? "-0x" : "+0x") + Integer.toHexString(Math.abs(disp));
    }

    @Test
    void indexesWithEveryRegisterButRsp() {
        for (Gpr base : Gpr.values()) {
            for (Gpr index : Gpr.values()) {
                if (index != Gpr.RSP) {
                    row(
                            "lea rax,[" + base.name(OpSize.Q) + "+" + index.name(OpSize.Q) + "*8-0x40]",
                            a -> a.lea(OpSize.Q, Gpr.RAX, Address.at(base, index, 8, -0x40)));
                }
            }
        }
        matches();
        assertThatThrownBy(() -> Address.at(Gpr.RAX, Gpr.RSP, 1, 0)).hasMessage("rsp cannot be an index");
        assertThatThrownBy(() -> Address.at(Gpr.RAX, Gpr.RAX, 3, 0)).hasMessage("scale 3 is not 1, 2, 4 or 8");
    }

    @Test
    void choosesTheShortestImmediateMove() {
        row("mov eax,0x0", a -> a.mov(Gpr.RAX, 0L));
        row("mov r15d,0xffffffff", a -> a.mov(Gpr.R15, 0xffff_ffffL));
        row("mov rcx,0xffffffffffffffff", a -> a.mov(Gpr.RCX, -1L));
        row("mov r8,0xffffffff80000000", a -> a.mov(Gpr.R8, -0x8000_0000L));
        row("movabs rdx,0x123456789abcdef0", a -> a.mov(Gpr.RDX, 0x1234_5678_9abc_def0L));
        row("movabs r12,0x5", a -> a.movabs(Gpr.R12, 5));
        row("mov BYTE PTR [rsp],0x7f", a -> a.mov(OpSize.B, Address.at(Gpr.RSP), 0x7f));
        row("mov WORD PTR [r12],0x1234", a -> a.mov(OpSize.W, Address.at(Gpr.R12), 0x1234));
        row("mov DWORD PTR [rbp+0x0],0x12345678", a -> a.mov(OpSize.D, Address.at(Gpr.RBP), 0x12345678));
        row("mov QWORD PTR [r13+0x8],0xffffffffffffffff", a -> a.mov(OpSize.Q, Address.at(Gpr.R13, 8), -1));
        matches();
    }

    @Test
    void extendsFromRegistersAndMemory() {
        for (Gpr reg : Gpr.values()) {
            row("movzx ecx," + reg(reg, OpSize.B), a -> a.movzx(OpSize.B, Gpr.RCX, reg));
            row("movzx ecx," + reg(reg, OpSize.W), a -> a.movzx(OpSize.W, Gpr.RCX, reg));
            row("mov ecx," + reg(reg, OpSize.D), a -> a.movzx(OpSize.D, Gpr.RCX, reg));
            row("movsx rcx," + reg(reg, OpSize.B), a -> a.movsx(OpSize.B, OpSize.Q, Gpr.RCX, reg));
            row("movsx ecx," + reg(reg, OpSize.W), a -> a.movsx(OpSize.W, OpSize.D, Gpr.RCX, reg));
            row("movsxd rcx," + reg(reg, OpSize.D), a -> a.movsx(OpSize.D, OpSize.Q, Gpr.RCX, reg));
        }
        row("movzx eax,BYTE PTR [rsi]", a -> a.movzx(OpSize.B, Gpr.RAX, Address.at(Gpr.RSI)));
        row("movzx r8d,WORD PTR [rsi]", a -> a.movzx(OpSize.W, Gpr.R8, Address.at(Gpr.RSI)));
        row("movsx rax,BYTE PTR [rsi]", a -> a.movsx(OpSize.B, OpSize.Q, Gpr.RAX, Address.at(Gpr.RSI)));
        row("movsx rax,WORD PTR [rsi]", a -> a.movsx(OpSize.W, OpSize.Q, Gpr.RAX, Address.at(Gpr.RSI)));
        row("movsxd rax,DWORD PTR [rsi]", a -> a.movsx(OpSize.D, OpSize.Q, Gpr.RAX, Address.at(Gpr.RSI)));
        matches();
    }

    @Test
    void computesInEveryArithmeticRow() {
        for (Arith op : Arith.values()) {
            for (OpSize size : OpSize.values()) {
                String name = lower(op) + " ";
                for (Gpr reg : Gpr.values()) {
                    row(name + reg(reg, size) + "," + reg(Gpr.RSI, size), a -> a.op(op, size, reg, Gpr.RSI));
                    row(name + reg(reg, size) + ",0x12", a -> a.op(op, size, reg, 0x12));
                }
                row(
                        name + mem(size, "[rbx+0x8],") + reg(Gpr.R9, size),
                        a -> a.op(op, size, Address.at(Gpr.RBX, 8), Gpr.R9));
                row(
                        name + reg(Gpr.RBP, size) + "," + mem(size, "[rbx+0x8]"),
                        a -> a.op(op, size, Gpr.RBP, Address.at(Gpr.RBX, 8)));
                row(name + mem(size, "[rbx+0x8],0x7f"), a -> a.op(op, size, Address.at(Gpr.RBX, 8), 0x7f));
            }
            row(lower(op) + " r11d,0x12345678", a -> a.op(op, OpSize.D, Gpr.R11, 0x12345678));
            row(lower(op) + " r11,0xffffffff80000000", a -> a.op(op, OpSize.Q, Gpr.R11, Integer.MIN_VALUE));
            row(lower(op) + " r11w,0x1234", a -> a.op(op, OpSize.W, Gpr.R11, 0x1234));
        }
        matches();
    }

    @Test
    void testsRegistersMemoryAndImmediates() {
        for (OpSize size : OpSize.values()) {
            row("test " + reg(Gpr.RDI, size) + "," + reg(Gpr.R8, size), a -> a.test(size, Gpr.RDI, Gpr.R8));
            row("test " + reg(Gpr.RSI, size) + ",0x40", a -> a.test(size, Gpr.RSI, 0x40));
            row("test " + mem(size, "[r12],0x40"), a -> a.test(size, Address.at(Gpr.R12), 0x40));
            row("test " + mem(size, "[r12],") + reg(Gpr.RAX, size), a -> a.test(size, Address.at(Gpr.R12), Gpr.RAX));
        }
        matches();
    }

    @Test
    void appliesUnaryOperationsAndShifts() {
        for (OpSize size : OpSize.values()) {
            for (Gpr reg : Gpr.values()) {
                for (Unary op : Unary.values()) {
                    row(lower(op) + " " + reg(reg, size), a -> a.op(op, size, reg));
                }
                for (Shift op : Shift.values()) {
                    row(lower(op) + " " + reg(reg, size) + ",0x5", a -> a.op(op, size, reg, 5));
                    row(lower(op) + " " + reg(reg, size) + ",cl", a -> a.opByCl(op, size, reg));
                }
            }
            row("inc " + mem(size, "[rax+0x38]"), a -> a.op(Unary.INC, size, Address.at(Gpr.RAX, 0x38)));
            row("shl " + mem(size, "[rax],0x2"), a -> a.op(Shift.SHL, size, Address.at(Gpr.RAX), 2));
        }
        matches();
    }

    @Test
    void shiftsByAnyRegister() {
        for (OpSize size : List.of(OpSize.D, OpSize.Q)) {
            for (Gpr reg : Gpr.values()) {
                for (Shift op : List.of(Shift.SHL, Shift.SHR, Shift.SAR)) {
                    String name = lower(op) + "x ";
                    row(
                            name + reg(reg, size) + "," + reg(Gpr.RSI, size) + "," + reg(Gpr.R9, size),
                            a -> a.shift(op, size, reg, Gpr.RSI, Gpr.R9));
                    row(
                            name + reg(Gpr.R9, size) + "," + reg(reg, size) + "," + reg(Gpr.RSI, size),
                            a -> a.shift(op, size, Gpr.R9, reg, Gpr.RSI));
                    row(
                            name + reg(Gpr.RSI, size) + "," + reg(Gpr.R9, size) + "," + reg(reg, size),
                            a -> a.shift(op, size, Gpr.RSI, Gpr.R9, reg));
                }
            }
        }
        matches();
    }

    @Test
    void multipliesSwapsAndMovesConditionally() {
        for (OpSize size : wide()) {
            row("imul " + reg(Gpr.R9, size) + "," + reg(Gpr.RBP, size), a -> a.imul(size, Gpr.R9, Gpr.RBP));
            row(
                    "imul " + reg(Gpr.RAX, size) + "," + mem(size, "[r13+0x0]"),
                    a -> a.imul(size, Gpr.RAX, Address.at(Gpr.R13)));
            row(
                    "imul " + reg(Gpr.R9, size) + "," + reg(Gpr.RBP, size) + ",0x12",
                    a -> a.imul(size, Gpr.R9, Gpr.RBP, 0x12));
            row(
                    "imul " + reg(Gpr.R9, size) + "," + reg(Gpr.RBP, size) + ",0x1234",
                    a -> a.imul(size, Gpr.R9, Gpr.RBP, 0x1234));
        }
        for (Gpr reg : Gpr.values()) {
            row("bswap " + reg(reg, OpSize.D), a -> a.bswap(OpSize.D, reg));
            row("bswap " + reg(reg, OpSize.Q), a -> a.bswap(OpSize.Q, reg));
            row("sete " + reg(reg, OpSize.B), a -> a.setcc(Cond.E, reg));
        }
        row("bt rcx,rax", a -> a.bt(OpSize.Q, Gpr.RCX, Gpr.RAX));
        row("bt r9d,r12d", a -> a.bt(OpSize.D, Gpr.R9, Gpr.R12));
        row("cmova rax,r9", a -> a.cmov(Cond.A, OpSize.Q, Gpr.RAX, Gpr.R9));
        row("seto al", a -> a.setcc(Cond.O, Gpr.RAX));
        row("xchg rdi,rbx", a -> a.xchg(OpSize.Q, Gpr.RDI, Gpr.RBX));
        matches();
    }

    @Test
    void locksEveryReadModifyWrite() {
        for (Locked op : Locked.values()) {
            for (OpSize size : OpSize.values()) {
                for (Gpr src : Gpr.values()) {
                    String prefix = op == Locked.XCHG ? "" : "lock ";
                    row(
                            prefix + lower(op) + " " + mem(size, "[rdi-0x8],") + reg(src, size),
                            a -> a.locked(op, size, Address.at(Gpr.RDI, -8), src));
                }
            }
        }
        matches();
    }

    @Test
    void encodesInstructionsWithoutOperands() {
        for (Plain plain : Plain.values()) {
            row(lower(plain).replace("pushfq", "pushf").replace("popfq", "popf"), a -> a.plain(plain));
        }
        matches();
    }

    @Test
    void pushesAndPopsEverything() {
        for (Gpr reg : Gpr.values()) {
            row("push " + reg.name(OpSize.Q), a -> a.push(reg));
            row("pop " + reg.name(OpSize.Q), a -> a.pop(reg));
            row("rdpid " + reg.name(OpSize.Q), a -> a.rdpid(reg));
            row("jmp " + reg.name(OpSize.Q), a -> a.jmp(reg));
            row("call " + reg.name(OpSize.Q), a -> a.call(reg));
        }
        row("push QWORD PTR [rsp+0x8]", a -> a.push(Address.at(Gpr.RSP, 8)));
        row("prefetchw BYTE PTR [r12+0x800]", a -> a.prefetchw(Address.at(Gpr.R12, 0x800)));
        row("push 0x1234", a -> a.push(0x1234));
        row("jmp QWORD PTR [rip+0x100]", a -> a.jmp(Address.absolute(a.here() + 6 + 0x100)));
        row("call QWORD PTR [r12+rax*8]", a -> a.call(Address.at(Gpr.R12, Gpr.RAX, 8, 0)));
        matches();
    }

    @Test
    void countsRipDistancesFromTheEndOfTheInstruction() {
        long data = BASE + 0x1000;
        row("cmp DWORD PTR [rip+0xff9],0x0", a -> a.op(Arith.CMP, OpSize.D, Address.absolute(data), 0));
        row("mov QWORD PTR [rip+0xfee],0x1", a -> a.mov(OpSize.Q, Address.absolute(data), 1));
        row("lea rax,[rip+0xfe7]", a -> a.lea(OpSize.Q, Gpr.RAX, Address.absolute(data)));
        matches();
    }

    @Test
    void readsRelativeToTheThreadPointer() {
        row("mov rax,QWORD PTR fs:0x28", a -> a.mov(OpSize.Q, Gpr.RAX, Address.thread(0x28)));
        row("mov r9d,DWORD PTR fs:0xfffffffffffffd30", a -> a.mov(OpSize.D, Gpr.R9, Address.thread(-0x2d0)));
        matches();
    }

    @Test
    void jumpsShortToNearBoundLabelsOnly() {
        Label back = new Label("back");
        Label ahead = new Label("ahead");
        asm.bind(back);
        row("jmp 0x400000", a -> a.jmp(back));
        row("jne 0x400000", a -> a.jcc(Cond.NE, back));
        row("jmp 0x400000", a -> a.jmp(back, Reach.NEAR));
        row("jg 0x400016", a -> a.jcc(Cond.G, ahead));
        row("jmp 0x400016", a -> a.jmp(ahead, Reach.SHORT));
        row("call 0x400016", a -> a.call(ahead));
        asm.bind(ahead);
        row("ret", a -> a.plain(Plain.RET));
        matches();
    }

    @Test
    void transactionsThatEndGoOnAtALabel() {
        Label back = new Label("back");
        asm.bind(back);
        row("xbegin 0x400000", a -> a.xbegin(back));
        matches();
    }

    @Test
    void jumpsToAbsoluteAddressesInReach() {
        row("jmp 0x500000", a -> a.jmp(0x50_0000L));
        row("call 0x3ff000", a -> a.call(0x3f_f000L));
        row("jbe 0x500000", a -> a.jcc(Cond.BE, 0x50_0000L));
        matches();
        assertThatThrownBy(() -> asm.jmp(0x7f00_0000_0000L))
                .isInstanceOf(CodeRangeException.class)
                .hasMessageContaining("0x7f0000000000 cannot be reached from 0x400011");
    }

    @Test
    void refusesUnboundAndTwiceBoundLabels() {
        Label lost = new Label("lost");
        asm.jmp(lost);
        assertThatThrownBy(asm::finish).hasMessage("labels used and never bound: [lost]");
        asm.bind(lost);
        assertThatThrownBy(() -> asm.bind(lost)).hasMessage("label lost is bound twice, at +5 and +5");
        assertThat(asm.finish()).hasSize(5);
    }

    @Test
    void refusesShortJumpsOutOfReach() {
        Label far = new Label("far");
        asm.jmp(far, Reach.SHORT);
        asm.nop(128);
        assertThatThrownBy(() -> asm.bind(far)).hasMessage("a short jump at +1 cannot reach +130");
    }

    @Test
    void padsWithWholeNops() {
        for (int bytes = 1; bytes <= 9; bytes++) {
            asm.nop(bytes);
        }
        assertThat(asm.position()).isEqualTo(45);
        asm.align(16);
        assertThat(asm.position()).isEqualTo(48);
        assertThat(Objdump.disassemble(asm.finish(), BASE))
                .hasSize(10)
                .allMatch(line -> line.contains("nop") || line.equals("xchg ax,ax"));
    }
}
