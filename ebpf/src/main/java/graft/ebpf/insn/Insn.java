package graft.ebpf.insn;

/**
 * One eBPF instruction (RFC 9669), as a closed model. Jump and call distances are in slots, relative to the next
 * instruction, exactly as encoded; a {@link LoadWide} takes two slots, everything else one.
 */
public sealed interface Insn {
    /** {@code dst = dst op src}, or {@code dst = src} for {@link AluOp#MOV}. A 32-bit form zeroes the upper half. */
    record Alu(AluOp op, Width width, Reg dst, Operand src) implements Insn {}

    /** {@code dst = -dst}. */
    record Neg(Width width, Reg dst) implements Insn {}

    /** {@code dst = (s{bits}) src}; bits is 8, 16 or (64-bit form only) 32. */
    record MoveSigned(Width width, int bits, Reg dst, Reg src) implements Insn {}

    /** Byte order conversion of the low {@code bits} (16, 32, 64); the rest becomes zero. */
    record Swap(ByteOrder order, int bits, Reg dst) implements Insn {}

    /** Two-slot load of a 64-bit value. */
    record LoadWide(Reg dst, Wide value) implements Insn {
        @Override
        public int slots() {
            return 2;
        }
    }

    /** {@code dst = *(size *)(base + offset)}. */
    record Load(MemSize size, Extension extension, Reg dst, Reg base, short offset) implements Insn {}

    /** {@code *(size *)(base + offset) = value}. */
    record Store(MemSize size, Reg base, short offset, Operand value) implements Insn {}

    /** Atomic read-modify-write of a word or double word; CMPXCHG compares with r0 and loads r0. */
    record Atomic(AtomicOp op, Fetch fetch, MemSize size, Reg base, short offset, Reg src) implements Insn {}

    /** {@code dst = load_acquire(base + offset)}. */
    record LoadAcquire(MemSize size, Reg dst, Reg base, short offset) implements Insn {}

    /** {@code store_release(base + offset, src)}. */
    record StoreRelease(MemSize size, Reg base, short offset, Reg src) implements Insn {}

    /** Unconditional jump ({@code ja} and {@code gotol}). */
    record Jump(int distance) implements Insn {}

    /** Conditional jump. */
    record Branch(JumpOp op, Width width, Reg dst, Operand src, short distance) implements Insn {}

    /** {@code may_goto}: continue, or jump when the loop budget is used up. */
    record MayGoto(short distance) implements Insn {}

    /** Call of a helper by its kernel number. */
    record CallHelper(int helper) implements Insn {}

    /** Call of a function of the same program; {@code distance} is in slots from the next instruction. */
    record CallLocal(int distance) implements Insn {}

    /** Call of a kernel function by BTF; refused by name where graft does not offer it. */
    record CallKernelFunction(String name) implements Insn {}

    /** Return from the program or subprogram. */
    record Exit() implements Insn {}

    /** A CO-RE relocation failed here: allowed in dead code, refused when reachable. {@code reason} is for people. */
    record Poison(String reason) implements Insn {}

    /** How many 8-byte slots the encoding takes. */
    default int slots() {
        return 1;
    }
}
