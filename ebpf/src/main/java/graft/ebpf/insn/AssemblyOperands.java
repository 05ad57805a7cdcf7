package graft.ebpf.insn;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The parts of instructions as text: registers, numbers, memory, distances. */
final class AssemblyOperands {
    private final AssemblyLine line;
    private final Assembler.Labels labels;
    private final int slot;

    /** @param slot where the instruction will be */
    AssemblyOperands(AssemblyLine line, Assembler.Labels labels, int slot) {
        this.line = line;
        this.labels = labels;
        this.slot = slot;
    }

    /** A register and the width that its letter says. */
    record Named(Reg reg, Width width) {}

    /** {@code (u32 *)(r1 +4)}. */
    record Memory(MemSize size, Extension extension, Reg base, short offset, int column) {}

    /** The one of {@code all} whose text was found. */
    static <T> T one(T[] all, Function<T, String> text, String found, int column) {
        return Arrays.stream(all)
                .filter(known -> text.apply(known).equals(found))
                .findFirst()
                .orElseThrow(() -> new AssemblyLine.Unreadable(
                        column,
                        found + " does not exist here",
                        "one of "
                                + Arrays.stream(all)
                                        .map(text)
                                        .filter(known -> !known.isEmpty())
                                        .collect(Collectors.joining(" "))));
    }

    /** How far a label is from the next slot. */
    int label() {
        int column = line.column();
        return labels.distance(line.word("a label"), slot, column);
    }

    /** The slot of a label. */
    int labelled() {
        return slot + 1 + label();
    }

    boolean seesLabel() {
        return labels.contains(line.peek());
    }

    short shortDistance() {
        int column = line.column();
        int distance = distance();
        if (distance != (short) distance) {
            throw new AssemblyLine.Unreadable(
                    column, distance + " slots are too far for 16 bits", "jump to a gotol, which has 32 bits");
        }
        return (short) distance;
    }

    /** {@code pc+2}, {@code +2} or a label. */
    int distance() {
        int column = line.column();
        if (line.sees(0, "pc") && (line.sees(1, "+") || line.sees(1, "-"))) {
            line.expect("pc");
        } else if (line.seesWord()) {
            return labels.distance(line.word("a label"), slot, column);
        }
        long distance = line.number("pc+N, pc-N or a label");
        if (distance != (int) distance) {
            throw new AssemblyLine.Unreadable(
                    column, distance + " slots are too far", "a program has at most 1,000,000");
        }
        return (int) distance;
    }

    Memory memory() {
        int column = line.column();
        line.expect("(");
        int typeColumn = line.column();
        String type = line.word("a type");
        if (!type.startsWith("u") && !type.startsWith("s")) {
            throw new AssemblyLine.Unreadable(
                    typeColumn, type + " is no type of memory", "u8, u16, u32, u64, or s8, s16, s32");
        }
        MemSize size =
                one(MemSize.values(), known -> type.charAt(0) + Integer.toString(known.bits()), type, typeColumn);
        line.expect("*");
        line.expect(")");
        line.expect("(");
        Reg base = wide();
        int offsetColumn = line.column();
        long offset = line.sees(0, ")") ? 0 : line.number("an offset");
        if (offset != (short) offset) {
            throw new AssemblyLine.Unreadable(
                    offsetColumn, offset + " does not fit into the 16 bits of an offset", "add it to a register first");
        }
        line.expect(")");
        Extension extension = type.startsWith("s") ? Extension.SIGN : Extension.ZERO;
        return new Memory(size, extension, base, (short) offset, column);
    }

    /** Memory where nothing is extended. */
    Memory place() {
        Memory memory = memory();
        if (memory.extension() == Extension.SIGN) {
            throw new AssemblyLine.Unreadable(
                    memory.column(),
                    "only loads have a sign",
                    "write u" + memory.size().bits());
        }
        return memory;
    }

    /** Atomic arithmetic has two sizes. */
    static MemSize word(Memory at) {
        if (at.size() != MemSize.W && at.size() != MemSize.DW) {
            throw new AssemblyLine.Unreadable(
                    at.column(),
                    "atomic operations are on 32 or 64 bits",
                    "u32 or u64, or load_acquire and store_release");
        }
        return at.size();
    }

    Named named() {
        int column = line.column();
        String name = line.word("a register");
        if (!name.matches("[rw]\\d+")) {
            throw new AssemblyLine.Unreadable(
                    column, name + " is no register and no instruction", "r0 to r10, or w0 to w9");
        }
        int number = name.length() > 3 ? Integer.MAX_VALUE : Integer.parseInt(name.substring(1));
        if (number > 10) {
            throw new AssemblyLine.Unreadable(column, "there is no register " + name, "r0 to r10, or w0 to w10");
        }
        return new Named(Reg.of(number), name.startsWith("w") ? Width.W32 : Width.W64);
    }

    /** A register under its 64-bit name. */
    Reg wide() {
        return same(Width.W64);
    }

    Reg same(Width width) {
        int column = line.column();
        Named named = named();
        if (named.width() != width) {
            throw new AssemblyLine.Unreadable(
                    column,
                    "%s has another width than the instruction".formatted(name(named.reg(), named.width())),
                    "write " + name(named.reg(), width));
        }
        return named.reg();
    }

    private static String name(Reg reg, Width width) {
        return (width == Width.W32 ? "w" : "r") + reg.number();
    }

    /** A register of which {@code size} is stored or loaded: LLVM calls it w when that is no more than 32 bits. */
    Reg value(MemSize size) {
        return size != MemSize.DW && line.peek().startsWith("w") ? same(Width.W32) : wide();
    }

    int signed32() {
        int column = line.column();
        long value = line.number("a register or a number");
        if (value != (int) value) {
            throw tooLarge(column, value);
        }
        return (int) value;
    }

    /** 32 bits, signed or not. */
    int bits32() {
        int column = line.column();
        long value = line.number("a number");
        if (value != (int) value && value >>> 32 != 0) {
            throw tooLarge(column, value);
        }
        return (int) value;
    }

    static AssemblyLine.Unreadable tooLarge(int column, long value) {
        return new AssemblyLine.Unreadable(
                column,
                "0x%x is not a number of 32 bits with sign".formatted(value),
                "load it into a register: rN = 0x%x ll".formatted(value));
    }

    static void requireWide(Named dst, int column) {
        if (dst.width() != Width.W64) {
            throw new AssemblyLine.Unreadable(
                    column, "this has 64 bits", "write r" + dst.reg().number());
        }
    }

    Operand operand(Width width) {
        if (line.seesWord()) {
            return new Operand.Src(same(width));
        }
        return new Operand.Imm(immediate(width));
    }

    /** A number of 32 bits that is extended to {@code width}: nobody should think that 0xffffffff stays what it is. */
    int immediate(Width width) {
        return width == Width.W32 ? bits32() : signed32();
    }
}
