package graft.platform.asm.x86_64;

import graft.platform.asm.CodeBuffer;

/** The engine: prefixes, REX, opcode bytes, ModRM, SIB and displacement of one instruction with an r/m operand. */
final class Encoding {
    /** An instruction's opcode (up to three bytes, big-endian), a mandatory or lock prefix (0: none) and its sizes. */
    record Form(int prefix, int opcode, OpSize size, OpSize rmSize) {
        static Form of(int opcode, OpSize size) {
            return new Form(0, opcode, size, size);
        }

        /** The common pair of opcodes: the even one for bytes, the odd one for everything wider. */
        static Form sized(int wideOpcode, OpSize size) {
            return of(size == OpSize.B ? wideOpcode - 1 : wideOpcode, size);
        }

        Form prefixed(int with) {
            return new Form(with, opcode, size, rmSize);
        }
    }

    private static final int SIB_NO_INDEX = 4;
    private static final int RM_SIB = 4;
    private static final int RM_RIP = 5;

    private final CodeBuffer out;

    Encoding(CodeBuffer out) {
        this.out = out;
    }

    /** With a register in the reg field. {@code trailing} is the number of immediate bytes that will follow. */
    void reg(Form form, Gpr reg, RegMem rm, int trailing) {
        boolean byteRex = form.size() == OpSize.B && needsRexAsByte(reg);
        prefixes(form, reg.number(), rm, byteRex ? 0x40 : 0);
        modRm(reg.number(), rm, trailing);
    }

    /** With an opcode extension in the reg field. */
    void digit(Form form, int digit, RegMem rm, int trailing) {
        prefixes(form, digit, rm, 0);
        modRm(digit, rm, trailing);
    }

    /** A register in the low three bits of the opcode's last byte. */
    void inOpcode(Form form, Gpr reg) {
        legacy(form, reg);
        int rex = (form.size() == OpSize.Q ? 0x48 : 0) | (reg.number() >= 8 ? 0x41 : 0);
        if (rex != 0) {
            out.put8(rex);
        }
        opcode(form.opcode() | (reg.number() & 7));
    }

    /** VEX with three operands: inverted high bits of the registers, the map 0f38, the count between. */
    void shiftX(Shift op, OpSize size, Gpr dst, Gpr src, Gpr count) {
        int prefix = switch (op) {
            case SHL -> 1;
            case SAR -> 2;
            case SHR -> 3;
            case ROL, ROR -> throw new IllegalArgumentException("no such shift of three operands: " + op);
        };
        out.put8(0xc4);
        out.put8((dst.number() < 8 ? 0x80 : 0) | 0x40 | (src.number() < 8 ? 0x20 : 0) | 2);
        out.put8((size == OpSize.Q ? 0x80 : 0) | (~count.number() & 15) << 3 | prefix);
        out.put8(0xf7);
        modRm(dst.number(), src, 0);
    }

    void immediate(OpSize size, int value) {
        switch (size) {
            case B -> out.put8(value);
            case W -> out.put16(value);
            case D, Q -> out.put32(value);
        }
    }

    private void prefixes(Form form, int reg, RegMem rm, int forcedRex) {
        legacy(form, rm);
        int rex = forcedRex | (form.size() == OpSize.Q ? 0x48 : 0) | (reg >= 8 ? 0x44 : 0) | rexOf(form, rm);
        if (rex != 0) {
            out.put8(rex);
        }
        opcode(form.opcode());
    }

    private void legacy(Form form, RegMem rm) {
        if (rm instanceof Address.Thread) {
            out.put8(0x64);
        }
        if (form.size() == OpSize.W) {
            out.put8(0x66);
        }
        if (form.prefix() != 0) {
            out.put8(form.prefix());
        }
    }

    private static int rexOf(Form form, RegMem rm) {
        return switch (rm) {
            case Gpr reg ->
                (reg.number() >= 8 ? 0x41 : 0) | (form.rmSize() == OpSize.B && needsRexAsByte(reg) ? 0x40 : 0);
            case Address.Based(var base, var _) -> base.number() >= 8 ? 0x41 : 0;
            case Address.Indexed(var base, var index, var _, var _) ->
                (base.number() >= 8 ? 0x41 : 0) | (index.number() >= 8 ? 0x42 : 0);
            case Address.Absolute _, Address.AtLabel _, Address.Thread _ -> 0;
        };
    }

    /** Without REX, encodings 4 to 7 of a byte register mean ah, ch, dh, bh. */
    private static boolean needsRexAsByte(Gpr reg) {
        return reg.number() >= 4 && reg.number() < 8;
    }

    private void opcode(int opcode) {
        if (opcode > 0xffff) {
            out.put8(opcode >> 16);
        }
        if (opcode > 0xff) {
            out.put8(opcode >> 8);
        }
        out.put8(opcode);
    }

    private void modRm(int reg, RegMem rm, int trailing) {
        int field = (reg & 7) << 3;
        switch (rm) {
            case Gpr direct -> out.put8(0xc0 | field | (direct.number() & 7));
            case Address.Based(var base, var disp) -> based(field, base, disp);
            case Address.Indexed(var base, var index, var scale, var disp) -> {
                int mod = mod(base, disp);
                out.put8(mod << 6 | field | RM_SIB);
                out.put8(Integer.numberOfTrailingZeros(scale) << 6 | (index.number() & 7) << 3 | (base.number() & 7));
                displacement(mod, disp);
            }
            case Address.Absolute(var target) -> {
                out.put8(field | RM_RIP);
                out.putDistance(target, trailing);
            }
            case Address.AtLabel(var label) -> {
                out.put8(field | RM_RIP);
                out.putDistance(label, 4, trailing);
            }
            case Address.Thread(var disp) -> {
                out.put8(field | RM_SIB);
                out.put8(SIB_NO_INDEX << 3 | 5);
                out.put32(disp);
            }
        }
    }

    private void based(int field, Gpr base, int disp) {
        int mod = mod(base, disp);
        out.put8(mod << 6 | field | (base.number() & 7));
        if ((base.number() & 7) == RM_SIB) {
            out.put8(SIB_NO_INDEX << 3 | RM_SIB);
        }
        displacement(mod, disp);
    }

    /** rbp and r13 as a base cannot go without a displacement. */
    private static int mod(Gpr base, int disp) {
        if (disp == 0 && (base.number() & 7) != 5) {
            return 0;
        }
        return disp == (byte) disp ? 1 : 2;
    }

    private void displacement(int mod, int disp) {
        if (mod == 1) {
            out.put8(disp);
        } else if (mod == 2) {
            out.put32(disp);
        }
    }
}
