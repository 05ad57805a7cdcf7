package graft.ebpf.insn;

import java.util.Optional;
import java.util.OptionalInt;

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

    /** {@code dst} = the address {@code src} of an arena as one of the other kind. */
    record CastAddress(AddressCast cast, Reg dst, Reg src) implements Insn {}

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

    /** Unconditional jump. */
    record Jump(Form form, int distance) implements Insn {
        /** Where the encoding has the distance. */
        public enum Form {
            /** In the 16-bit offset ({@code goto}). */
            SHORT,
            /** In the immediate ({@code gotol}). */
            LONG
        }

        /** @throws IllegalArgumentException when the distance does not fit */
        public Jump {
            if (form == Form.SHORT && distance != (short) distance) {
                throw new IllegalArgumentException("a short jump cannot go " + distance + " slots");
            }
        }

        /** In the short form if that reaches. */
        public Jump(int distance) {
            this(distance == (short) distance ? Form.SHORT : Form.LONG, distance);
        }
    }

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

    /**
     * Something that cannot be run: a CO-RE relocation failed here, or the encoding is wrong. Allowed in dead code, refused
     * when reachable.
     *
     * @param reason for people
     * @param shape an instruction that goes on as this one would: same slots, same jumps
     */
    record Poison(String reason, Insn shape) implements Insn {
        /** In place of an instruction of one slot that goes on to the next. */
        public Poison(String reason) {
            this(reason, new Jump(0));
        }

        @Override
        public int slots() {
            return shape.slots();
        }
    }

    /** How many 8-byte slots the encoding takes. */
    default int slots() {
        return 1;
    }

    /** The register that the instruction names as its result; a call's r0 is not named. */
    default Optional<Reg> written() {
        return switch (this) {
            case Alu(var _, var _, var dst, var _) -> Optional.of(dst);
            case Neg(var _, var dst) -> Optional.of(dst);
            case MoveSigned(var _, var _, var dst, var _) -> Optional.of(dst);
            case CastAddress(var _, var dst, var _) -> Optional.of(dst);
            case Swap(var _, var _, var dst) -> Optional.of(dst);
            case LoadWide(var dst, var _) -> Optional.of(dst);
            case Load(var _, var _, var dst, var _, var _) -> Optional.of(dst);
            case LoadAcquire(var _, var dst, var _, var _) -> Optional.of(dst);
            case Atomic(var op, var fetch, var _, var _, var _, var src) ->
                op == AtomicOp.CMPXCHG
                        ? Optional.of(Reg.R0)
                        : fetch == Fetch.OLD_VALUE ? Optional.of(src) : Optional.empty();
            case Store _,
                    StoreRelease _,
                    Jump _,
                    Branch _,
                    MayGoto _,
                    CallHelper _,
                    CallLocal _,
                    CallKernelFunction _,
                    Exit _,
                    Poison _ -> Optional.empty();
        };
    }

    /** How far it can jump within its function, in slots from the next instruction. */
    default OptionalInt jump() {
        return switch (this) {
            case Jump(var _, int distance) -> OptionalInt.of(distance);
            case Branch(var _, var _, var _, var _, short distance) -> OptionalInt.of(distance);
            case MayGoto(short distance) -> OptionalInt.of(distance);
            case Poison(var _, Insn shape) -> shape.jump();
            case Alu _,
                    Neg _,
                    MoveSigned _,
                    CastAddress _,
                    Swap _,
                    LoadWide _,
                    Load _,
                    Store _,
                    Atomic _,
                    LoadAcquire _,
                    StoreRelease _,
                    CallHelper _,
                    CallLocal _,
                    CallKernelFunction _,
                    Exit _ -> OptionalInt.empty();
        };
    }

    /** Whether the next instruction can follow it. */
    default boolean goesOn() {
        return switch (this) {
            case Poison(var _, Insn shape) -> shape.goesOn();
            default -> !(this instanceof Exit || this instanceof Jump);
        };
    }

    /** First slot of the local function that it calls or takes the address of, when it stands at {@code slot}. */
    default OptionalInt function(int slot) {
        if (this instanceof Poison(var _, Insn shape)) {
            return shape.function(slot);
        }
        if (this instanceof CallLocal(int distance)) {
            return OptionalInt.of(slot + 1 + distance);
        }
        return this instanceof LoadWide(var _, Wide.Function(int first)) ? OptionalInt.of(first) : OptionalInt.empty();
    }
}
