package graft.ebpf.insn;

import static graft.ebpf.insn.Opcodes.*;

import java.nio.ByteBuffer;

/** Writes the 8-byte little-endian encoding (RFC 9669 §3). The inverse of {@link InsnDecoder}. */
public final class InsnEncoder {
    private final ByteBuffer code;
    private final SymbolEncoder symbols;

    private InsnEncoder(int slots, SymbolEncoder symbols) {
        this.code = ByteBuffer.allocate(slots * SLOT_BYTES).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        this.symbols = symbols;
    }

    /**
     * Encodes a whole program. An {@link Insn.Poison} becomes the call of a helper that does not exist, as libbpf writes it.
     *
     * @throws IllegalArgumentException for an instruction that has no encoding, such as a sign-extending 8-byte load,
     *     or when {@code symbols} refuses a name
     */
    public static byte[] encode(InsnList insns, SymbolEncoder symbols) {
        InsnEncoder encoder = new InsnEncoder(insns.slots(), symbols);
        insns.insns().forEach(encoder::one);
        return encoder.code.array();
    }

    private void one(Insn insn) {
        switch (insn) {
            case Insn.Alu alu -> alu(alu);
            case Insn.Neg(var width, var dst) -> emit(alu(width) | CODE_NEG, dst.number(), 0, 0, 0);
            case Insn.MoveSigned(var width, var bits, var dst, var src) -> {
                require(bits == 8 || bits == 16 || bits == 32 && width == Width.W64, insn);
                emit(alu(width) | CODE_MOV | SOURCE_REGISTER, dst.number(), src.number(), bits, 0);
            }
            case Insn.CastAddress(var cast, var dst, var src) ->
                emit(
                        alu(Width.W64) | CODE_MOV | SOURCE_REGISTER,
                        dst.number(),
                        src.number(),
                        ADDRESS_CAST,
                        cast.encoding());
            case Insn.Swap swap -> swap(swap);
            case Insn.LoadWide(var dst, var value) -> wide(dst, encoding(value));
            case Insn.Load load -> load(load);
            case Insn.Store(var size, var base, var offset, Operand.Imm(var imm)) ->
                emit(ST | MODE_MEM | size.code(), base.number(), 0, offset, imm);
            case Insn.Store(var size, var base, var offset, Operand.Src(var src)) ->
                emit(STX | MODE_MEM | size.code(), base.number(), src.number(), offset, 0);
            case Insn.Atomic atomic -> atomic(atomic);
            case Insn.LoadAcquire(var size, var dst, var base, var offset) ->
                atomic(size, dst, base, offset, ATOMIC_LOAD_ACQUIRE);
            case Insn.StoreRelease(var size, var base, var offset, var src) ->
                atomic(size, base, src, offset, ATOMIC_STORE_RELEASE);
            case Insn.Jump jump -> jump(jump);
            case Insn.Branch branch -> branch(branch);
            case Insn.MayGoto(var distance) -> emit(JMP | CODE_JCOND, 0, 0, distance, 0);
            case Insn.CallHelper(var helper) -> call(CALL_HELPER, 0, helper);
            case Insn.CallLocal(var distance) -> call(CALL_LOCAL, 0, distance);
            case Insn.CallKernelFunction(var name) -> {
                KernelCall call = symbols.kernelFunction(name);
                call(CALL_KERNEL_FUNCTION, call.btfIndex(), call.btfId());
            }
            case Insn.Exit() -> emit(JMP | CODE_EXIT, 0, 0, 0, 0);
            case Insn.Poison(var _, Insn shape) -> {
                call(CALL_HELPER, 0, POISON_HELPER);
                for (int extra = 1; extra < shape.slots(); extra++) {
                    jump(new Insn.Jump(0));
                }
            }
        }
    }

    private void alu(Insn.Alu insn) {
        withOperand(
                alu(insn.width()) | insn.op().code(),
                insn.dst(),
                insn.src(),
                insn.op().offset());
    }

    private void branch(Insn.Branch insn) {
        int jumpClass = insn.width() == Width.W64 ? JMP : JMP32;
        withOperand(jumpClass | insn.op().code(), insn.dst(), insn.src(), insn.distance());
    }

    private void withOperand(int opcode, Reg dst, Operand operand, int offset) {
        switch (operand) {
            case Operand.Imm(var imm) -> emit(opcode, dst.number(), 0, offset, imm);
            case Operand.Src(var src) -> emit(opcode | SOURCE_REGISTER, dst.number(), src.number(), offset, 0);
        }
    }

    private void swap(Insn.Swap insn) {
        require(insn.bits() == 16 || insn.bits() == 32 || insn.bits() == 64, insn);
        emit(insn.order().opcode(), insn.dst().number(), 0, 0, insn.bits());
    }

    private void load(Insn.Load insn) {
        require(insn.extension() == Extension.ZERO || insn.size() != MemSize.DW, insn);
        int mode = insn.extension() == Extension.ZERO ? MODE_MEM : MODE_MEMSX;
        emit(LDX | mode | insn.size().code(), insn.dst().number(), insn.base().number(), insn.offset(), 0);
    }

    private void atomic(Insn.Atomic insn) {
        require(insn.size() == MemSize.W || insn.size() == MemSize.DW, insn);
        require(insn.fetch() == Fetch.OLD_VALUE || !insn.op().alwaysFetches(), insn);
        int fetch = insn.fetch() == Fetch.OLD_VALUE ? ATOMIC_FETCH : 0;
        atomic(insn.size(), insn.base(), insn.src(), insn.offset(), insn.op().code() | fetch);
    }

    private void atomic(MemSize size, Reg dst, Reg src, short offset, int operation) {
        emit(STX | MODE_ATOMIC | size.code(), dst.number(), src.number(), offset, operation);
    }

    private void jump(Insn.Jump insn) {
        switch (insn.form()) {
            case SHORT -> emit(JMP | CODE_JA, 0, 0, insn.distance(), 0);
            case LONG -> emit(JMP32 | CODE_JA, 0, 0, 0, insn.distance());
        }
    }

    private void call(int kind, int offset, int imm) {
        emit(JMP | CODE_CALL, 0, kind, offset, imm);
    }

    private void wide(Reg dst, WideEncoding encoding) {
        emit(LDDW, dst.number(), encoding.source(), 0, encoding.low());
        emit(0, 0, 0, 0, encoding.high());
    }

    private WideEncoding encoding(Wide wide) {
        return switch (wide) {
            case Wide.Constant(var value) -> new WideEncoding(WideEncoding.CONSTANT, value);
            case Wide.Function(var slot) ->
                WideEncoding.of(WideEncoding.FUNCTION, slot - (code.position() / SLOT_BYTES + 1), 0);
            case Wide.MapPointer(var map) -> symbols.mapPointer(map);
            case Wide.MapValue(var map, var offset) -> symbols.mapValue(map, offset);
            case Wide.KernelSymbol(var name) -> symbols.kernelSymbol(name);
        };
    }

    private void emit(int opcode, int dst, int src, int offset, int imm) {
        code.put((byte) opcode)
                .put((byte) (dst | src << 4))
                .putShort((short) offset)
                .putInt(imm);
    }

    private static int alu(Width width) {
        return width == Width.W64 ? ALU64 : ALU;
    }

    private static void require(boolean encodable, Insn insn) {
        if (!encodable) {
            throw new IllegalArgumentException("no encoding for " + insn);
        }
    }
}
