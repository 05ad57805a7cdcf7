package graft.platform.asm.x86_64;

import graft.platform.address.RemoteAddress;

/**
 * Lengths and parts of x86-64 instructions in 64-bit mode. The authority for instruction boundaries: what it does not
 * know for certain it refuses. Stateless.
 */
public final class X64Decoder {
    private X64Decoder() {}

    private static final int MAX_LENGTH = 15;

    /** The instruction at {@code offset} of {@code code}, which is at {@code address} in its process or file. */
    public static Decoding decode(byte[] code, int offset, RemoteAddress address) {
        long shape = shape(code, offset, code.length);
        int length = InsnShape.length(shape);
        if (length == 0) {
            return new Decoding.Refused(InsnShape.reason(shape));
        }
        return new X64Insn(address, shape, code, offset);
    }

    /** The packed shape of the instruction at {@code offset}; bytes from {@code limit} on do not exist. */
    public static long shape(byte[] code, int offset, int limit) {
        int end = Math.min(limit, offset + MAX_LENGTH);
        int at = offset;
        int prefixes = 0;
        int rex = 0;
        while (at < end) {
            int b = code[at] & 0xff;
            int flag = prefixFlag(b);
            if (flag >= 0) {
                prefixes |= flag;
                rex = 0;
            } else if ((b & 0xf0) == 0x40) {
                rex = b;
            } else {
                break;
            }
            at++;
        }
        if (at >= end) {
            return outOfBytes(limit, offset);
        }
        int b = code[at] & 0xff;
        return switch (b) {
            case 0x0f -> escaped(code, offset, at + 1, end, limit, prefixes, rex);
            case 0xc4, 0xc5, 0x62 -> extended(code, offset, at, end, limit, prefixes, rex);
            case 0x8f -> {
                if (at + 1 < end && (code[at + 1] & 0x38) != 0) {
                    yield extended(code, offset, at, end, limit, prefixes, rex);
                }
                yield operands(code, offset, at, end, limit, OpcodeTable.ONE_BYTE, prefixes, rex);
            }
            case 0xd5 -> InsnShape.refused(Decoding.Reason.APX);
            default -> operands(code, offset, at, end, limit, OpcodeTable.ONE_BYTE, prefixes, rex);
        };
    }

    /** The flag of a legacy prefix, 0 for a prefix without effect on what is decoded, -1 for any other byte. */
    private static int prefixFlag(int b) {
        return switch (b) {
            case 0x66 -> InsnShape.OPERAND_SIZE;
            case 0x67 -> InsnShape.ADDRESS_SIZE;
            case 0xf3 -> InsnShape.REPE;
            case 0xf2 -> InsnShape.REPNE;
            case 0xf0 -> InsnShape.LOCK;
            case 0x64, 0x65 -> InsnShape.SEGMENT;
            case 0x26, 0x2e, 0x36, 0x3e -> 0;
            default -> -1;
        };
    }

    private static long outOfBytes(int limit, int offset) {
        return InsnShape.refused(limit - offset < MAX_LENGTH ? Decoding.Reason.TRUNCATED : Decoding.Reason.TOO_LONG);
    }

    private static long escaped(byte[] code, int offset, int at, int end, int limit, int prefixes, int rex) {
        if (at >= end) {
            return outOfBytes(limit, offset);
        }
        int map = switch (code[at]) {
            case 0x38 -> OpcodeTable.MAP_0F38;
            case 0x3a -> OpcodeTable.MAP_0F3A;
            case 0x0f -> OpcodeTable.NOW_3D;
            default -> OpcodeTable.TWO_BYTE;
        };
        int opcodeAt = map == OpcodeTable.TWO_BYTE || map == OpcodeTable.NOW_3D ? at : at + 1;
        if (opcodeAt >= end) {
            return outOfBytes(limit, offset);
        }
        int opcode = code[opcodeAt] & 0xff;
        int sse4a = InsnShape.OPERAND_SIZE | InsnShape.REPNE;
        if (map == OpcodeTable.TWO_BYTE && opcode == 0x78 && (prefixes & sse4a) != 0) {
            return InsnShape.refused(Decoding.Reason.VENDOR_DEPENDENT);
        }
        if (map == OpcodeTable.TWO_BYTE && opcode == 0xb8 && (prefixes & InsnShape.REPE) == 0) {
            return InsnShape.refused(Decoding.Reason.UNKNOWN_OPCODE);
        }
        return operands(code, offset, opcodeAt, end, limit, map, prefixes, rex);
    }

    /** VEX, EVEX and XOP. */
    private static long extended(byte[] code, int offset, int at, int end, int limit, int prefixes, int rex) {
        int lead = code[at] & 0xff;
        int payload = switch (lead) {
            case 0xc5 -> 1;
            case 0x62 -> 3;
            default -> 2;
        };
        int opcodeAt = at + 1 + payload;
        if (opcodeAt >= end) {
            return outOfBytes(limit, offset);
        }
        int forbidden = InsnShape.OPERAND_SIZE | InsnShape.REPE | InsnShape.REPNE | InsnShape.LOCK;
        if ((prefixes & forbidden) != 0 || rex != 0) {
            return InsnShape.refused(Decoding.Reason.BAD_PREFIX);
        }
        int first = code[at + 1];
        if (lead == 0x62 && ((first & 8) != 0 || (code[at + 2] & 4) == 0)) {
            return InsnShape.refused(Decoding.Reason.APX);
        }
        int map = extendedMap(lead, first);
        if (map < 0) {
            return InsnShape.refused(
                    lead == 0x62 && (first & 7) == 4 ? Decoding.Reason.APX : Decoding.Reason.UNKNOWN_OPCODE);
        }
        return operands(code, offset, opcodeAt, end, limit, map, prefixes, 0);
    }

    private static int extendedMap(int lead, int first) {
        if (lead == 0xc5) {
            return OpcodeTable.VEX_1;
        }
        if (lead == 0x62) {
            return switch (first & 7) {
                case 1 -> OpcodeTable.EVEX_1;
                case 2 -> OpcodeTable.EVEX_2;
                case 3 -> OpcodeTable.EVEX_3;
                case 5 -> OpcodeTable.EVEX_5;
                case 6 -> OpcodeTable.EVEX_6;
                default -> -1;
            };
        }
        int select = first & 31;
        if (lead == 0x8f) {
            return select >= 8 && select <= 10 ? OpcodeTable.XOP_8 + select - 8 : -1;
        }
        return select >= 1 && select <= 3 ? OpcodeTable.VEX_1 + select - 1 : -1;
    }

    private static long operands(
            byte[] code, int offset, int opcodeAt, int end, int limit, int map, int prefixes, int rex) {
        int opcode = code[opcodeAt] & 0xff;
        byte form = map == OpcodeTable.NOW_3D ? (byte) 'B' : OpcodeTable.form(map, opcode);
        if (form == 'x' || form == 'p' || form == 'E' && opcode != 0x8f) {
            return InsnShape.refused(Decoding.Reason.UNKNOWN_OPCODE);
        }
        int next = opcodeAt + 1;
        long parts = 0;
        int modrm = 0;
        if (hasModrm(form)) {
            if (next >= end) {
                return outOfBytes(limit, offset);
            }
            modrm = code[next] & 0xff;
            parts |= (long) (next - offset) << 20;
            long memory = form == 'r' ? 1 : memory(code, next, end, offset, prefixes);
            if (memory == 0) {
                return outOfBytes(limit, offset);
            }
            parts |= memory & ~15L;
            next += (int) memory & 15;
        }
        int kind = kind(map, opcode, modrm, prefixes).ordinal();
        if (invalid(map, opcode, modrm)) {
            return InsnShape.refused(Decoding.Reason.UNKNOWN_OPCODE);
        }
        boolean wide = (rex & 8) != 0;
        if (InsnKind.of(kind).isRelativeBranch() && (prefixes & InsnShape.OPERAND_SIZE) != 0 && !wide) {
            return InsnShape.refused(Decoding.Reason.VENDOR_DEPENDENT);
        }
        int size = immediate(form, modrm, prefixes, wide);
        if (size > 0) {
            parts |= (long) (next - offset) << 32 | (long) size << 36;
            next += size;
        }
        if (next > end) {
            return outOfBytes(limit, offset);
        }
        long encoding = map >= OpcodeTable.VEX_1 && map != OpcodeTable.NOW_3D ? 1 : 0;
        return parts
                | next - offset
                | (long) (opcodeAt - offset) << 4
                | (long) opcode << 8
                | (long) map << 16
                | (long) kind << 41
                | encoding << 46
                | (long) prefixes << 48
                | (long) (rex & 15) << 54;
    }

    private static boolean hasModrm(byte form) {
        return switch (form) {
            case 'm', 'r', 'B', 'Z', 'D', 'G', 'H', 'E' -> true;
            default -> false;
        };
    }

    /** Low four bits: bytes of ModRM, SIB and displacement; above: the displacement's place in the packed shape. */
    private static long memory(byte[] code, int at, int end, int offset, int prefixes) {
        int modrm = code[at] & 0xff;
        int mod = modrm >> 6;
        int rm = modrm & 7;
        if (mod == 3) {
            return 1;
        }
        int used = 1;
        int displacement = switch (mod) {
            case 1 -> 1;
            case 2 -> 4;
            default -> 0;
        };
        long ripRelative = 0;
        if (rm == 4) {
            if (at + 1 >= end) {
                return 0;
            }
            used = 2;
            if (mod == 0 && (code[at + 1] & 7) == 5) {
                displacement = 4;
            }
        } else if (mod == 0 && rm == 5) {
            displacement = 4;
            ripRelative = 1L << 40;
        }
        if (displacement == 0) {
            return used;
        }
        return used + displacement | (long) (at + used - offset) << 24 | (long) displacement << 28 | ripRelative;
    }

    private static int immediate(byte form, int modrm, int prefixes, boolean wide) {
        boolean narrow = (prefixes & InsnShape.OPERAND_SIZE) != 0 && !wide;
        int word = narrow ? 2 : 4;
        return switch (form) {
            case 'b', 'B', 'j' -> 1;
            case 'w' -> 2;
            case 'e' -> 3;
            case 'z', 'Z' -> word;
            case 'D', 'J' -> 4;
            case 'v' -> wide ? 8 : word;
            case 'o' -> (prefixes & InsnShape.ADDRESS_SIZE) != 0 ? 4 : 8;
            case 'G' -> (modrm & 0x30) == 0 ? 1 : 0;
            case 'H' -> (modrm & 0x30) == 0 ? word : 0;
            default -> 0;
        };
    }

    /** Opcode groups with members that do not exist. */
    private static boolean invalid(int map, int opcode, int modrm) {
        int member = modrm >> 3 & 7;
        boolean register = modrm >> 6 == 3;
        if (map == OpcodeTable.TWO_BYTE) {
            return opcode == 0xba && member < 4 || opcode == 0x00 && member > 5;
        }
        if (map != OpcodeTable.ONE_BYTE) {
            return false;
        }
        return switch (opcode) {
            case 0xfe -> member > 1;
            case 0xff -> member == 7 || register && (member == 3 || member == 5);
            case 0x8f -> member != 0;
            case 0xc6, 0xc7 -> member != 0 && modrm != 0xf8;
            case 0x8d -> register;
            default -> false;
        };
    }

    private static InsnKind kind(int map, int opcode, int modrm, int prefixes) {
        return switch (map) {
            case OpcodeTable.ONE_BYTE -> oneByteKind(opcode, modrm, prefixes);
            case OpcodeTable.TWO_BYTE -> twoByteKind(opcode, modrm, prefixes);
            default -> InsnKind.PLAIN;
        };
    }

    private static InsnKind oneByteKind(int opcode, int modrm, int prefixes) {
        if ((opcode & 0xf0) == 0x70) {
            return InsnKind.JCC_REL;
        }
        return switch (opcode) {
            case 0x90 -> InsnKind.NOP;
            case 0xc2, 0xc3 -> InsnKind.RET;
            case 0xc7 -> modrm == 0xf8 ? InsnKind.XBEGIN_REL : InsnKind.PLAIN;
            case 0xca, 0xcb, 0xcf -> InsnKind.FAR;
            case 0xcc -> InsnKind.INT3;
            case 0xcd, 0xf1 -> InsnKind.TRAP;
            case 0xe0, 0xe1, 0xe2 -> InsnKind.LOOP_REL;
            case 0xe3 -> InsnKind.JRCXZ_REL;
            case 0xe8 -> InsnKind.CALL_REL;
            case 0xe9, 0xeb -> InsnKind.JMP_REL;
            case 0xf4 -> InsnKind.HLT;
            case 0xff -> groupFive(modrm);
            default -> InsnKind.PLAIN;
        };
    }

    private static InsnKind groupFive(int modrm) {
        return switch (modrm >> 3 & 7) {
            case 2 -> InsnKind.CALL_INDIRECT;
            case 4 -> InsnKind.JMP_INDIRECT;
            case 3, 5 -> InsnKind.FAR;
            default -> InsnKind.PLAIN;
        };
    }

    private static InsnKind twoByteKind(int opcode, int modrm, int prefixes) {
        if ((opcode & 0xf0) == 0x80) {
            return InsnKind.JCC_REL;
        }
        return switch (opcode) {
            case 0x05 -> InsnKind.SYSCALL;
            case 0x07, 0x34, 0x35 -> InsnKind.TRAP;
            case 0x0b, 0xb9, 0xff -> InsnKind.UNDEFINED;
            case 0x1e ->
                (prefixes & InsnShape.REPE) == 0
                        ? InsnKind.NOP
                        : modrm == 0xfa ? InsnKind.ENDBR64 : modrm == 0xfb ? InsnKind.NOP : InsnKind.PLAIN;
            case 0x1f -> InsnKind.NOP;
            default -> InsnKind.PLAIN;
        };
    }
}
