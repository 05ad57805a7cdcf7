package graft.ebpf.insn;

import static graft.ebpf.insn.Opcodes.*;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the 8-byte little-endian encoding (RFC 9669 §3) strictly: every field that an instruction does not use must be
 * zero, every opcode must be known. What needs the whole program (jump targets, divisors, shift counts, writes to r10)
 * is the verifier's business.
 */
public final class InsnDecoder {
    private final ByteBuffer code;
    private final SymbolDecoder symbols;
    private final int slots;
    private final Misused misused;

    private InsnDecoder(byte[] code, SymbolDecoder symbols, Misused misused) {
        if (code.length % SLOT_BYTES != 0) {
            int slot = code.length / SLOT_BYTES;
            throw new InsnFormatException(
                    slot,
                    code[slot * SLOT_BYTES] & 0xff,
                    InsnFormatException.Kind.UNKNOWN,
                    "cut off after " + code.length % SLOT_BYTES + " of 8 bytes");
        }
        this.misused = misused;
        this.code = ByteBuffer.wrap(code).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        this.symbols = symbols;
        this.slots = code.length / SLOT_BYTES;
    }

    /**
     * Decodes a whole program.
     *
     * @throws InsnFormatException at the first instruction that is not valid
     */
    public static InsnList decode(byte[] code, SymbolDecoder symbols) {
        return new InsnDecoder(code, symbols, Misused.REFUSED).all();
    }

    /**
     * Decodes a whole program for a verifier: as in the kernel, fields that an instruction must not use are a fault only
     * where the program can get to, so such an instruction becomes {@link Insn.Poison}.
     *
     * @throws InsnFormatException at the first instruction that does not exist
     */
    public static InsnList decodeForVerifier(byte[] code, SymbolDecoder symbols) {
        return new InsnDecoder(code, symbols, Misused.POISON).all();
    }

    /** What becomes of an instruction whose unused fields are used. */
    private enum Misused {
        REFUSED,
        POISON
    }

    private InsnList all() {
        List<Insn> insns = new ArrayList<>(slots);
        for (int slot = 0; slot < slots; ) {
            Insn insn = oneOrPoison(fields(slot));
            insns.add(insn);
            slot += insn.slots();
        }
        return InsnList.of(insns);
    }

    private Fields fields(int slot) {
        int at = slot * SLOT_BYTES;
        int registers = code.get(at + 1) & 0xff;
        return new Fields(
                slot, code.get(at) & 0xff, registers & 0xf, registers >> 4, code.getShort(at + 2), code.getInt(at + 4));
    }

    private Insn oneOrPoison(Fields f) {
        try {
            return one(f);
        } catch (InsnFormatException bad) {
            if (misused == Misused.POISON && bad.kind() == InsnFormatException.Kind.MISUSED) {
                // The kernel looks at every field of exit but the offset.
                boolean fine = f.opcode == (JMP | CODE_EXIT) && f.dst == 0 && f.src == 0 && f.imm == 0;
                return fine ? new Insn.Exit() : new Insn.Poison(bad.reason(), shape(f));
            }
            throw bad;
        }
    }

    /** A sound instruction with the slots and jumps of one that is not. */
    private Insn shape(Fields f) {
        int operation = f.opcode & CODE_MASK;
        return switch (f.opcode & CLASS_MASK) {
            case LD -> f.opcode == LDDW ? new Insn.LoadWide(Reg.R0, new Wide.Constant(0)) : new Insn.Jump(0);
            case JMP, JMP32 ->
                switch (operation) {
                    case CODE_JA -> new Insn.Jump((f.opcode & CLASS_MASK) == JMP ? f.off : f.imm);
                    case CODE_EXIT -> new Insn.Exit();
                    case CODE_CALL -> f.src == CALL_LOCAL ? new Insn.CallLocal(f.imm) : new Insn.Jump(0);
                    default -> new Insn.Branch(JumpOp.JEQ, Width.W64, Reg.R0, new Operand.Imm(0), f.off);
                };
            default -> new Insn.Jump(0);
        };
    }

    private Insn one(Fields f) {
        return switch (f.opcode & CLASS_MASK) {
            case LD -> wide(f);
            case LDX -> load(f);
            case ST -> storeImmediate(f);
            case STX -> (f.opcode & MODE_MASK) == MODE_ATOMIC ? atomic(f) : storeRegister(f);
            case ALU -> AluDecoder.decode(f, Width.W32);
            case ALU64 -> AluDecoder.decode(f, Width.W64);
            case JMP -> jump(f, Width.W64);
            default -> jump(f, Width.W32);
        };
    }

    private Insn wide(Fields f) {
        int mode = f.opcode & MODE_MASK;
        if ((mode == MODE_ABS || mode == MODE_IND) && MemSize.of(f.opcode) != MemSize.DW) {
            throw f.misused("packet loads (LD_ABS, LD_IND) exist only in socket filters");
        }
        f.exists(f.opcode == LDDW);
        f.require(f.slot + 1 < slots, "second slot of the wide load is missing");
        Fields second = fields(f.slot + 1);
        f.require(
                second.opcode == 0 && second.dst == 0 && second.src == 0 && second.off == 0,
                "second slot of the wide load is not zero");
        f.require(f.src <= WideEncoding.MAP_INDEX_VALUE, "unknown kind of wide load: source " + f.src);
        WideEncoding encoding = WideEncoding.of(f.src, f.imm, second.imm);
        Wide value = switch (f.src) {
            case WideEncoding.CONSTANT -> new Wide.Constant(encoding.value());
            case WideEncoding.FUNCTION -> function(f, second.imm);
            default ->
                symbols.wide(encoding, f.slot)
                        .orElseThrow(() -> f.unknown("wide load of something unknown (source %d, value 0x%x)"
                                .formatted(f.src, encoding.value())));
        };
        f.check(f.off == 0, "reserved offset is not zero");
        return new Insn.LoadWide(f.dstReg(), value);
    }

    private Wide function(Fields f, int high) {
        f.require(high == 0, "reserved high half of a function address is not zero");
        long target = f.slot + 1L + f.imm;
        f.require(target >= 0 && target < slots, "function address outside the program");
        return new Wide.Function((int) target);
    }

    private static Insn load(Fields f) {
        MemSize size = MemSize.of(f.opcode);
        int mode = f.opcode & MODE_MASK;
        f.exists(mode == MODE_MEM || mode == MODE_MEMSX);
        f.require(mode == MODE_MEM || size != MemSize.DW, "a sign-extending load of 8 bytes does not exist");
        f.require(f.imm == 0, "reserved immediate is not zero");
        Extension extension = mode == MODE_MEM ? Extension.ZERO : Extension.SIGN;
        return new Insn.Load(size, extension, f.dstReg(), f.srcReg(), f.off);
    }

    private static Insn storeImmediate(Fields f) {
        f.exists((f.opcode & MODE_MASK) == MODE_MEM);
        f.check(f.src == 0, "reserved source register is not zero");
        return new Insn.Store(MemSize.of(f.opcode), f.dstReg(), f.off, new Operand.Imm(f.imm));
    }

    private static Insn storeRegister(Fields f) {
        f.exists((f.opcode & MODE_MASK) == MODE_MEM);
        f.check(f.imm == 0, "reserved immediate is not zero");
        return new Insn.Store(MemSize.of(f.opcode), f.dstReg(), f.off, new Operand.Src(f.srcReg()));
    }

    private static Insn atomic(Fields f) {
        MemSize size = MemSize.of(f.opcode);
        if (f.imm == ATOMIC_LOAD_ACQUIRE) {
            return new Insn.LoadAcquire(size, f.dstReg(), f.srcReg(), f.off);
        }
        if (f.imm == ATOMIC_STORE_RELEASE) {
            return new Insn.StoreRelease(size, f.dstReg(), f.off, f.srcReg());
        }
        f.check(size == MemSize.W || size == MemSize.DW, "atomic operation on fewer than 4 bytes");
        Fetch fetch = (f.imm & ATOMIC_FETCH) != 0 ? Fetch.OLD_VALUE : Fetch.NONE;
        AtomicOp op = AtomicOp.of(f.imm & ~ATOMIC_FETCH)
                .filter(known -> fetch == Fetch.OLD_VALUE || !known.alwaysFetches())
                .orElseThrow(() -> f.misused("unknown atomic operation 0x%x".formatted(f.imm)));
        return new Insn.Atomic(op, fetch, size, f.dstReg(), f.off, f.srcReg());
    }

    private Insn jump(Fields f, Width width) {
        int code = f.opcode & CODE_MASK;
        return switch (code) {
            case CODE_JA -> unconditional(f, width);
            case CODE_CALL, CODE_EXIT, CODE_JCOND -> {
                f.exists(width == Width.W64);
                f.require(
                        f.sourceBit() == 0, code == CODE_CALL ? "indirect calls are not supported" : "unknown opcode");
                f.check(f.dst == 0, "reserved destination register is not zero");
                yield code == CODE_CALL ? call(f) : code == CODE_EXIT ? exit(f) : mayGoto(f);
            }
            default -> branch(f, width);
        };
    }

    private static Insn unconditional(Fields f, Width width) {
        f.require(
                f.sourceBit() == 0,
                width == Width.W64 ? "indirect jumps through a jump table are not supported" : "unknown opcode");
        f.check(f.dst == 0 && f.src == 0, "reserved register is not zero");
        if (width == Width.W64) {
            f.check(f.imm == 0, "reserved immediate is not zero");
            return new Insn.Jump(f.off);
        }
        f.check(f.off == 0, "reserved offset is not zero");
        return new Insn.Jump(Insn.Jump.Form.LONG, f.imm);
    }

    private Insn call(Fields f) {
        if (f.src != CALL_KERNEL_FUNCTION) {
            f.check(f.off == 0, "reserved offset is not zero");
        }
        return switch (f.src) {
            case CALL_HELPER ->
                f.imm == POISON_HELPER ? new Insn.Poison("a relocation failed here") : new Insn.CallHelper(f.imm);
            case CALL_LOCAL -> new Insn.CallLocal(f.imm);
            case CALL_KERNEL_FUNCTION ->
                new Insn.CallKernelFunction(symbols.kernelFunction(new KernelCall(f.imm, f.off), f.slot)
                        .orElseThrow(() -> f.unknown("call of an unknown kernel function, BTF id " + f.imm)));
            default -> throw f.misused("unknown kind of call: source " + f.src);
        };
    }

    private static Insn exit(Fields f) {
        f.check(f.src == 0 && f.off == 0 && f.imm == 0, "reserved field of exit is not zero");
        return new Insn.Exit();
    }

    private static Insn mayGoto(Fields f) {
        f.check(f.src == 0 && f.imm == 0, "unknown kind of conditional jump");
        return new Insn.MayGoto(f.off);
    }

    private static Insn branch(Fields f, Width width) {
        JumpOp op = JumpOp.of(f.opcode & CODE_MASK).orElseThrow(f::unknown);
        return new Insn.Branch(op, width, f.dstReg(), f.operand(), f.off);
    }

    /** The fields of one slot, and the checks that every class of instruction needs. */
    record Fields(int slot, int opcode, int dst, int src, short off, int imm) {
        int sourceBit() {
            return opcode & SOURCE_REGISTER;
        }

        Reg dstReg() {
            check(dst <= 10, "no register r" + dst);
            return Reg.of(dst);
        }

        Reg srcReg() {
            check(src <= 10, "no register r" + src);
            return Reg.of(src);
        }

        /** The operand that the source bit selects; the other field must be zero. */
        Operand operand() {
            if (sourceBit() == 0) {
                check(src == 0, "reserved source register is not zero");
                return new Operand.Imm(imm);
            }
            check(imm == 0, "reserved immediate is not zero");
            return new Operand.Src(srcReg());
        }

        /** What must hold wherever the instruction stands. */
        void require(boolean holds, String reason) {
            if (!holds) {
                throw unknown(reason);
            }
        }

        void exists(boolean holds) {
            require(holds, "unknown opcode");
        }

        /** What must hold where the program can get to. */
        void check(boolean holds, String reason) {
            if (!holds) {
                throw misused(reason);
            }
        }

        InsnFormatException unknown() {
            return unknown("unknown opcode");
        }

        InsnFormatException unknown(String reason) {
            return new InsnFormatException(slot, opcode, InsnFormatException.Kind.UNKNOWN, reason);
        }

        InsnFormatException misused(String reason) {
            return new InsnFormatException(slot, opcode, InsnFormatException.Kind.MISUSED, reason);
        }
    }
}
