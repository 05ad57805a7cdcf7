package graft.rewriter.stub;

import graft.platform.asm.x86_64.X64Assembler;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Writes random instructions that cannot fault: their memory is the area around the base registers, which no instruction
 * changes, or is reached relative to the instruction pointer. Branches lead to the exits only.
 */
final class RandomWindow {
    /** Registers that instructions may read and write; the others hold addresses, and r15 a small index. */
    private static final int[] FREE = {0, 1, 2, 5, 6, 7, 8, 9, 10, 11};

    private static final int[] BASES = {3, 13, 14};
    private static final int INDEX = 15;
    private static final int TARGET = 12;
    private static final int REACH = 400;
    private static final int REX = 0x40;
    private static final int W = 8;
    private static final int WHOLE_JUMP = 5;

    private final SplittableRandom random;
    private final Places places;
    private X64Assembler out;
    private int pushed;

    /** Where instructions may lead: data to the middle of an area, a word that holds the target, and code. */
    record Places(long data, long targetWord, long exit, long helper) {}

    /** What ends a window. */
    enum End {
        FALLS_THROUGH,
        CONDITION,
        COUNT,
        JUMP,
        JUMP_REGISTER,
        JUMP_MEMORY,
        CALL,
        CALL_REGISTER,
        CALL_MEMORY,
        CALL_BASE,
        CALL_STACK
    }

    RandomWindow(SplittableRandom random, Places places) {
        this.random = random;
        this.places = places;
    }

    /** Writes as many instructions as a jump would displace, the last of them as {@code end} says. */
    void write(X64Assembler into, End end) {
        out = into;
        pushed = 0;
        int start = out.position();
        int wanted = 1 + random.nextInt(WHOLE_JUMP);
        while (out.position() - start < wanted) {
            instruction();
        }
        end(end);
        while (out.position() - start < WHOLE_JUMP && end == End.FALLS_THROUGH) {
            instruction();
        }
    }

    private void instruction() {
        switch (random.nextInt(12)) {
            case 0, 1, 2 -> arithmetic();
            case 3 -> arithmeticImmediate();
            case 4 -> moves();
            case 5 -> shift();
            case 6 -> unary();
            case 7 -> twoByte();
            case 8 -> vector();
            case 9 -> bare();
            case 10 -> stack();
            default -> branchRelative(0x70 + random.nextInt(16));
        }
    }

    private void arithmetic() {
        operands(8 * random.nextInt(8) + random.nextInt(4), free(), 0);
    }

    private void arithmeticImmediate() {
        boolean wide = random.nextBoolean();
        operands(wide ? 0x81 : 0x83, random.nextInt(8), wide ? 4 : 1);
        immediate(wide ? 4 : 1);
    }

    private void moves() {
        switch (random.nextInt(4)) {
            case 0 -> operands(0x88 + random.nextInt(4), free(), 0);
            case 1 -> operands(0x84 + random.nextInt(4), free(), 0);
            case 2 -> {
                operands(0xc7, 0, 4);
                immediate(4);
            }
            default -> memory(REX | W, List.of(0x8d), free(), 0);
        }
    }

    private void shift() {
        int kind = List.of(0, 1, 2, 3, 4, 5, 7).get(random.nextInt(7));
        if (random.nextBoolean()) {
            operands(0xc1, kind, 1);
            immediate(1);
        } else {
            operands(random.nextBoolean() ? 0xd1 : 0xd3, kind, 0);
        }
    }

    private void unary() {
        switch (random.nextInt(3)) {
            case 0 -> {
                operands(0xf7, 0, 4);
                immediate(4);
            }
            case 1 -> operands(0xf7, 2 + random.nextInt(4), 0);
            default -> operands(0xff, random.nextInt(2), 0);
        }
    }

    private void twoByte() {
        int opcode = switch (random.nextInt(4)) {
            case 0 -> 0x40 + random.nextInt(16); // cmovcc
            case 1 -> 0x90 + random.nextInt(16); // setcc
            case 2 -> List.of(0xb6, 0xb7, 0xbe, 0xbf).get(random.nextInt(4));
            default -> List.of(0xaf, 0xb1, 0xc1).get(random.nextInt(3)); // imul, cmpxchg, xadd
        };
        operands(List.of(0x0f, opcode), free(), 0);
    }

    /** Unaligned moves between a vector register and memory, and arithmetic on registers. */
    private void vector() {
        int register = random.nextInt(8);
        if (random.nextBoolean()) {
            memory(0, List.of(0x0f, 0x10 + random.nextInt(2)), register, 0);
        } else {
            out.bytes(bytes(0x66, 0x0f, List.of(0xef, 0xfe, 0xd4, 0x62).get(random.nextInt(4))));
            out.bytes(bytes(0xc0 | register << 3 | random.nextInt(8)));
        }
    }

    /** cwde, cdq, lahf, cmc, clc, stc, nop. */
    private void bare() {
        out.bytes(bytes(List.of(0x98, 0x99, 0x9f, 0xf5, 0xf8, 0xf9, 0x90).get(random.nextInt(7))));
    }

    private void stack() {
        int register = random.nextInt(8) & ~4;
        boolean pop = pushed > 0 && register != BASES[0] && random.nextBoolean();
        out.bytes(bytes((pop ? 0x58 : 0x50) | register));
        pushed += pop ? -1 : 1;
    }

    private void end(End end) {
        switch (end) {
            case FALLS_THROUGH -> {}
            case CONDITION -> branchRelative(0x70 + random.nextInt(16));
            case COUNT -> count();
            case JUMP -> {
                out.bytes(bytes(0xe9));
                distance(places.exit(), 0);
            }
            case JUMP_REGISTER -> out.bytes(bytes(REX | 1, 0xff, 0xe0 | TARGET & 7));
            case JUMP_MEMORY -> throughWord(4);
            case CALL -> {
                out.bytes(bytes(0xe8));
                distance(places.helper(), 0);
            }
            case CALL_REGISTER -> out.bytes(bytes(REX | 1, 0xff, 0xd0 | TARGET & 7));
            case CALL_MEMORY -> throughWord(2);
            case CALL_BASE -> {
                out.bytes(bytes(0xff, 0x93)); // rbx is the middle of the area
                int32(Math.toIntExact(places.targetWord() - places.data()));
            }
            case CALL_STACK -> out.bytes(bytes(REX | 1, 0x50 | TARGET & 7, 0xff, 0x14, 0x24));
        }
    }

    private void throughWord(int operation) {
        out.bytes(bytes(0xff, operation << 3 | 5));
        distance(places.targetWord(), 0);
    }

    private void branchRelative(int shortOpcode) {
        long near = places.exit() - (out.here() + 2);
        if (near == (byte) near && random.nextBoolean()) {
            out.bytes(bytes(shortOpcode, (int) near));
        } else {
            out.bytes(bytes(0x0f, shortOpcode + 0x10));
            distance(places.exit(), 0);
        }
    }

    /** loopne, loope, loop, jrcxz. */
    private void count() {
        long near = places.exit() - (out.here() + 2);
        out.bytes(bytes(0xe0 + random.nextInt(4), (byte) near));
    }

    private void operands(int opcode, int reg, int trailing) {
        operands(List.of(opcode), reg, trailing);
    }

    /** An instruction on 32 or 64 bits, with a register or memory. */
    private void operands(List<Integer> opcode, int reg, int trailing) {
        int rex = REX | (random.nextBoolean() ? W : 0);
        if (random.nextInt(3) == 0) {
            int rm = free();
            out.bytes(bytes(rex | (reg >> 3) << 2 | rm >> 3));
            opcode.forEach(part -> out.bytes(bytes(part)));
            out.bytes(bytes(0xc0 | (reg & 7) << 3 | rm & 7));
        } else {
            memory(rex, opcode, reg, trailing);
        }
    }

    /** {@code trailing} bytes of immediate follow the operand, which matters to what is relative to their end. */
    private void memory(int rex, List<Integer> opcode, int reg, int trailing) {
        int base = BASES[random.nextInt(BASES.length)];
        int form = random.nextInt(4);
        boolean indexed = form == 2;
        int prefix = rex | (reg >> 3) << 2 | (indexed ? 2 : 0) | (form == 0 ? 0 : base >> 3);
        if (prefix != 0) {
            out.bytes(bytes(REX | prefix));
        }
        opcode.forEach(part -> out.bytes(bytes(part)));
        int middle = (reg & 7) << 3;
        switch (form) {
            case 0 -> {
                out.bytes(bytes(middle | 5));
                distance(places.data() + offset(), trailing);
            }
            case 1 -> out.bytes(bytes(0x40 | middle | base & 7, (byte) random.nextInt()));
            case 2 -> {
                out.bytes(bytes(0x84 | middle, random.nextInt(4) << 6 | (INDEX & 7) << 3 | base & 7));
                int32(offset());
            }
            default -> {
                out.bytes(bytes(0x80 | middle | base & 7));
                int32(offset());
            }
        }
    }

    private void distance(long target, int trailing) {
        int32(Math.toIntExact(target - (out.here() + 4 + trailing)));
    }

    private void immediate(int size) {
        if (size == 1) {
            out.bytes(bytes(random.nextInt()));
        } else {
            int32(random.nextInt());
        }
    }

    private int offset() {
        return random.nextInt(-REACH, REACH);
    }

    private int free() {
        return FREE[random.nextInt(FREE.length)];
    }

    private void int32(int value) {
        out.bytes(bytes(value, value >> 8, value >> 16, value >> 24));
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }
}
