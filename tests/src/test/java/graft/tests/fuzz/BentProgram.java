package graft.tests.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Any bytes as instructions that decode: fields that an opcode does not use are cleared, registers and numbers are taken
 * modulo what exists. So mutations reach the verifier instead of ending in the decoder.
 */
final class BentProgram {
    private static final int SLOT = 8;
    private static final int MAX_SLOTS = 512;
    private static final int HELPERS = 220;
    private static final int[] WIDE_SOURCES = {0, 1, 2, 4};
    private static final int[] MOVE_BITS = {0, 8, 16, 32};
    private static final int[] SWAP_BITS = {16, 32, 64};
    private static final int[] ATOMICS = {
        0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110,
    };

    private final ByteBuffer code;
    private final int slots;

    private BentProgram(byte[] input, int from) {
        this.slots = Math.min(MAX_SLOTS, (input.length - from) / SLOT);
        this.code = ByteBuffer.allocate(slots * SLOT).order(ByteOrder.LITTLE_ENDIAN);
        code.put(input, from, slots * SLOT);
    }

    /** The bytes of {@code input} from {@code from} on, bent where they are no instructions. */
    static byte[] of(byte[] input, int from) {
        BentProgram program = new BentProgram(input, from);
        for (int slot = 0; slot < program.slots; slot++) {
            slot += program.bend(slot * SLOT);
        }
        return program.code.array();
    }

    /** Returns how many slots more than one the instruction has. */
    private int bend(int at) {
        int opcode = code.get(at) & 0xff;
        int dst = (code.get(at + 1) & 0xf) % 11;
        int src = (code.get(at + 1) >> 4 & 0xf) % 11;
        switch (opcode & 7) {
            case 0 -> {
                return wide(at, dst, src);
            }
            case 1 -> load(at, opcode, dst, src);
            case 2 -> put(at, opcode & 0x18 | 0x62, dst, 0);
            case 3 -> store(at, opcode, dst, src);
            case 4, 7 -> alu(at, opcode, dst, src);
            default -> jump(at, opcode, dst, src);
        }
        return 0;
    }

    private int wide(int at, int dst, int src) {
        if (at + SLOT >= slots * SLOT) {
            put(at, 0x95, 0, 0);
            off(at, 0);
            imm(at, 0);
            return 0;
        }
        int source = WIDE_SOURCES[src % WIDE_SOURCES.length];
        put(at, 0x18, dst, source);
        off(at, 0);
        code.putInt(at + SLOT, 0);
        if (source == 4) {
            imm(at, Math.floorMod(code.getInt(at + 4), slots) - at / SLOT - 1);
            imm(at + SLOT, 0);
        }
        return 1;
    }

    private void load(int at, int opcode, int dst, int src) {
        boolean signed = (opcode & 0xe0) == 0x80 && (opcode & 0x18) != 0x18;
        put(at, opcode & 0x18 | (signed ? 0x81 : 0x61), dst, src);
        imm(at, 0);
    }

    private void store(int at, int opcode, int dst, int src) {
        if ((opcode & 0xe0) == 0xc0) {
            put(at, opcode & 0x08 | 0xc3 | 0x10 & opcode & opcode << 1, dst, src);
            imm(at, ATOMICS[Math.floorMod(code.getInt(at + 4), ATOMICS.length)]);
        } else {
            put(at, opcode & 0x18 | 0x63, dst, src);
            imm(at, 0);
        }
    }

    private void alu(int at, int opcode, int dst, int src) {
        int operation = opcode & 0xf0;
        boolean register = (opcode & 8) != 0;
        int off = 0;
        if (operation == 0x80 || operation > 0xd0) {
            put(at, opcode & 7 | 0x80, dst, 0);
            imm(at, 0);
        } else if (operation == 0xd0) {
            put(at, (opcode & 7) == 4 ? opcode : 0xd7, dst, 0);
            imm(at, SWAP_BITS[Math.floorMod(code.getInt(at + 4), SWAP_BITS.length)]);
        } else {
            put(at, opcode, dst, register ? src : 0);
            off = switch (operation) {
                case 0x30, 0x90 -> code.getShort(at + 2) & 1;
                case 0xb0 -> register ? MOVE_BITS[code.getShort(at + 2) & 3] : 0;
                default -> 0;
            };
            if (register) {
                imm(at, 0);
            }
        }
        off(at, off);
    }

    private void jump(int at, int opcode, int dst, int src) {
        int operation = opcode & 0xf0;
        boolean narrow = (opcode & 7) == 6;
        switch (operation) {
            case 0x00 -> {
                put(at, opcode & 7, 0, 0);
                int distance = distance(at, narrow ? code.getInt(at + 4) : code.getShort(at + 2));
                off(at, narrow ? 0 : distance);
                imm(at, narrow ? distance : 0);
            }
            case 0x80 -> {
                put(at, 0x85, 0, src & 1);
                int number = code.getInt(at + 4);
                off(at, 0);
                imm(at, (src & 1) == 0 ? Math.floorMod(number, HELPERS) : distance(at, number));
            }
            case 0x90, 0xe0, 0xf0 -> {
                put(at, operation == 0xe0 ? 0xe5 : 0x95, 0, 0);
                off(at, operation == 0xe0 ? distance(at, code.getShort(at + 2)) : 0);
                imm(at, 0);
            }
            default -> {
                boolean register = (opcode & 8) != 0;
                put(at, opcode, dst, register ? src : 0);
                off(at, distance(at, code.getShort(at + 2)));
                if (register) {
                    imm(at, 0);
                }
            }
        }
    }

    /** The distance itself when it stays inside, else one that does. */
    private int distance(int at, int wanted) {
        int next = at / SLOT + 1;
        long target = (long) next + wanted;
        return target >= 0 && target < slots ? wanted : Math.floorMod(target, slots) - next;
    }

    private void put(int at, int opcode, int dst, int src) {
        code.put(at, (byte) opcode).put(at + 1, (byte) (dst | src << 4));
    }

    private void off(int at, int value) {
        code.putShort(at + 2, (short) value);
    }

    private void imm(int at, int value) {
        code.putInt(at + 4, value);
    }
}
