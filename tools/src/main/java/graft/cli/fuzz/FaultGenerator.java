package graft.cli.fuzz;

import graft.ebpf.insn.AluOp;
import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.InsnList;
import graft.ebpf.insn.JumpOp;
import graft.ebpf.insn.MemSize;
import graft.ebpf.insn.Operand;
import graft.ebpf.insn.Reg;
import graft.ebpf.insn.SymbolEncoder;
import graft.ebpf.insn.Width;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Small programs as bytes, most of them with one fault: a field that must be zero, an opcode or register that does not
 * exist, a jump or call to nowhere, a missing end, code that nothing reaches.
 */
final class FaultGenerator {
    private static final int SLOT = 8;
    private static final int OFFSET = 2;
    private static final int IMMEDIATE = 4;
    private static final int[] OPCODES = {
        0x05, 0x06, 0x85, 0x95, 0xe5, 0x8d, 0x0d, 0x18, 0x00, 0x20, 0x40, 0xd4, 0xdc, 0xd7, 0xdf, 0x87, 0x8f, 0xbf,
        0xbc, 0xc3, 0xdb, 0xd3, 0xcb, 0x81, 0x99, 0xe1, 0x37, 0x3f, 0x67, 0x64, 0x61, 0x62, 0x63, 0x16, 0x96, 0xee
    };

    private final Choice choose;
    private final Statements statements;

    private FaultGenerator(long seed) {
        this.choose = new Choice(seed);
        this.statements = new Statements(choose, Optional.empty());
    }

    /** The bytes of a seed; {@code symbols} says how the map is encoded. */
    static byte[] program(long seed, SymbolEncoder symbols) {
        FaultGenerator generator = new FaultGenerator(seed);
        byte[] code = InsnEncoder.encode(InsnList.of(generator.sound()), symbols);
        return generator.choose.oneIn(12) ? code : generator.bend(code);
    }

    private List<Insn> sound() {
        List<Insn> main = new ArrayList<>();
        // Twice, so that one fault does not leave the context pointer in r1.
        main.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R1, new Operand.Imm(1)));
        for (int number = 0; number < 10; number++) {
            main.add(new Insn.Alu(AluOp.MOV, choose.width(), Reg.of(number), new Operand.Imm((int) choose.value())));
        }
        for (int offset = 8; offset <= MemoryStatements.STACK_BYTES; offset += 8) {
            main.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -offset, new Operand.Imm(choose.below(9))));
        }
        main.addAll(statements.several(1 + choose.below(4)));
        boolean calls = choose.oneIn(2);
        List<Insn> tail = calls ? List.of(new Insn.Exit()) : ending();
        if (calls) {
            main.add(new Insn.CallLocal(Statements.slots(tail)));
        }
        main.addAll(tail);
        if (calls) {
            main.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Src(Reg.R1)));
            main.addAll(ending());
        }
        return main;
    }

    private List<Insn> ending() {
        return choose.oneIn(2)
                ? List.of(new Insn.Exit())
                : List.of(
                        new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), (short) 1),
                        new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, new Operand.Imm(1)),
                        new Insn.Exit());
    }

    private byte[] bend(byte[] code) {
        int slots = code.length / SLOT;
        int at = SLOT * choose.below(slots);
        ByteBuffer bytes = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN);
        return switch (choose.below(14)) {
            case 0 -> put(code, at, choose.below(256));
            case 1, 2 -> put(code, at, OPCODES[choose.below(OPCODES.length)]);
            case 3 -> put(code, at + 1, choose.below(256));
            case 4 -> put(code, at + 1, code[at + 1] ^ (1 << choose.below(8)));
            case 5 -> bytes.putShort(at + OFFSET, (short) choose.value()).array();
            case 6 ->
                bytes.putShort(at + OFFSET, (short) (choose.below(41) - 20)).array();
            case 7 -> bytes.putInt(at + IMMEDIATE, (int) choose.value()).array();
            case 8 -> bytes.putInt(at + IMMEDIATE, choose.below(300) - 20).array();
            case 9 -> Arrays.copyOf(code, at);
            case 10 -> inserted(code, at);
            case 11 -> removed(code, at);
            case 12 -> control(bytes, at, slots);
            default -> put(code, choose.below(code.length), choose.below(256));
        };
    }

    private static byte[] put(byte[] code, int at, int value) {
        code[at] = (byte) value;
        return code;
    }

    /** One more instruction: an exit, a copy of another, or noise. */
    private byte[] inserted(byte[] code, int at) {
        byte[] longer = new byte[code.length + SLOT];
        System.arraycopy(code, 0, longer, 0, at);
        System.arraycopy(code, at, longer, at + SLOT, code.length - at);
        if (choose.oneIn(3)) {
            longer[at] = (byte) 0x95;
            Arrays.fill(longer, at + 1, at + SLOT, (byte) 0);
        } else if (choose.oneIn(2)) {
            System.arraycopy(code, SLOT * choose.below(code.length / SLOT), longer, at, SLOT);
        }
        return longer;
    }

    private static byte[] removed(byte[] code, int at) {
        byte[] shorter = new byte[code.length - SLOT];
        System.arraycopy(code, 0, shorter, 0, at);
        System.arraycopy(code, at + SLOT, shorter, at, shorter.length - at);
        return shorter;
    }

    /** A jump or a call in place of an instruction. */
    private byte[] control(ByteBuffer bytes, int at, int slots) {
        int distance = choose.below(2 * slots + 4) - slots - 2;
        bytes.putLong(at, 0);
        switch (choose.below(5)) {
            case 0 -> bytes.put(at, (byte) 0x05).putShort(at + OFFSET, (short) distance);
            case 1 -> bytes.put(at, (byte) 0x06).putInt(at + IMMEDIATE, distance);
            case 2 -> bytes.put(at, (byte) 0x85).put(at + 1, (byte) 0x10).putInt(at + IMMEDIATE, distance);
            case 3 -> bytes.put(at, (byte) 0x15).putShort(at + OFFSET, (short) distance);
            default -> bytes.put(at, (byte) 0x18).put(at + 1, (byte) (16 * choose.below(8)));
        }
        return bytes.array();
    }
}
