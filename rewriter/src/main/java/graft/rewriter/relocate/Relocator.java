package graft.rewriter.relocate;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.Address;
import graft.platform.asm.x86_64.Gpr;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.InsnShape;
import graft.platform.asm.x86_64.OpSize;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Insn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Writes displaced instructions at another place so that registers, flags, memory and control flow come out the same.
 * What is not provably equal is refused. Writes into a borrowed assembler; on refusal the output is to be thrown away.
 */
public final class Relocator {
    /** Operations of opcode group 5, {@code FF}. */
    private static final int JUMP = 4;

    private static final int PUSH = 6;

    /** {@code jmp *-8(%rsp)}. */
    private static final byte[] JUMP_BELOW_STACK = {(byte) 0xff, 0x64, 0x24, (byte) 0xf8};

    private final X64Assembler out;

    public Relocator(X64Assembler out) {
        this.out = out;
    }

    /** Moves adjacent instructions, in order. A call must be the last of them. */
    public Relocation relocate(List<X64Insn> insns) {
        return relocate(insns, _ -> {});
    }

    /** The same with what {@code before} writes in front of an instruction: who continues there runs that first. */
    public Relocation relocate(List<X64Insn> insns, Consumer<X64Insn> before) {
        List<Relocation.Moved> moved = new ArrayList<>();
        for (int i = 0; i < insns.size(); i++) {
            X64Insn insn = insns.get(i);
            boolean last = i == insns.size() - 1;
            RemoteAddress to = new RemoteAddress(out.here());
            before.accept(insn);
            Optional<String> refusal = targetRefusal(insn, insns).or(() -> kindRefusal(insn, last));
            if (refusal.isPresent()) {
                return new Relocation.Refused(insn, refusal.get());
            }
            moved.add(new Relocation.Moved(insn, to));
            write(insn);
        }
        return new Relocation.Done(moved);
    }

    /** Writes one instruction whose operands are where they were, whatever it does to the flow of control. */
    Relocation copy(X64Insn insn) {
        Optional<String> refusal = memoryRefusal(insn);
        if (refusal.isPresent()) {
            return new Relocation.Refused(insn, refusal.get());
        }
        Relocation.Moved moved = new Relocation.Moved(insn, new RemoteAddress(out.here()));
        writeMoved(insn);
        return new Relocation.Done(List.of(moved));
    }

    private static Optional<String> targetRefusal(X64Insn insn, List<X64Insn> all) {
        long first = all.getFirst().address().value();
        long end = all.getLast().end().value();
        return insn.branchTarget()
                .filter(target -> target.value() > first && target.value() < end)
                .map(target -> "it jumps to " + target + ", inside the displaced bytes");
    }

    private Optional<String> kindRefusal(X64Insn insn, boolean last) {
        return switch (insn.kind()) {
            case PLAIN, NOP, JMP_INDIRECT, RET -> memoryRefusal(insn);
            case JMP_REL, JCC_REL, LOOP_REL, JRCXZ_REL -> branchRefusal(insn);
            case CALL_REL -> last ? branchRefusal(insn) : Optional.of("a call can only be the last displaced insn");
            case CALL_INDIRECT -> last ? callRefusal(insn) : Optional.of("a call can only be the last displaced insn");
            case ENDBR64 -> Optional.of("an indirect jump may land on endbr64");
            case SYSCALL -> Optional.of("a system call must stay where it is: it may be restarted or cancelled there");
            case XBEGIN_REL -> Optional.of("a transaction begins here");
            case FAR, TRAP, INT3, UNDEFINED, HLT -> Optional.of("it traps or changes the code segment");
        };
    }

    private Optional<String> memoryRefusal(X64Insn insn) {
        if (!insn.isRipRelative()) {
            return Optional.empty();
        }
        if (insn.hasAddressSizePrefix()) {
            return Optional.of("its address is 32 bits wide and relative to rip");
        }
        long distance = insn.ripTarget().orElseThrow().value() - (out.here() + insn.length());
        return distance == (int) distance
                ? Optional.empty()
                : Optional.of("its operand is more than 2 GiB away from the code pool");
    }

    private Optional<String> branchRefusal(X64Insn insn) {
        if (insn.hasAddressSizePrefix() && insn.immSize() == 1 && !isConditionalOrJump(insn)) {
            return Optional.of("it counts in ecx");
        }
        long distance = insn.branchTarget().orElseThrow().value() - out.here();
        return Math.abs(distance) < Integer.MAX_VALUE - 64
                ? Optional.empty()
                : Optional.of("its target is more than 2 GiB away from the code pool");
    }

    private static boolean isConditionalOrJump(X64Insn insn) {
        return insn.kind() == InsnKind.JMP_REL || insn.kind() == InsnKind.JCC_REL;
    }

    private Optional<String> callRefusal(X64Insn insn) {
        if (insn.hasOperandSizePrefix() && !insn.isWide()) {
            return Optional.of("processors disagree about its operand's size");
        }
        return insn.directRegister().equals(OptionalInt.of(Gpr.RSP.number()))
                ? Optional.of("its target is the stack pointer")
                : memoryRefusal(insn);
    }

    private void write(X64Insn insn) {
        switch (insn.kind()) {
            case JMP_REL -> out.jmp(target(insn));
            case JCC_REL -> writeConditional(insn);
            case LOOP_REL, JRCXZ_REL -> writeHop(insn);
            case CALL_REL -> {
                pushReturnAddress(insn);
                out.jmp(target(insn));
            }
            case CALL_INDIRECT -> writeIndirectCall(insn);
            case PLAIN, NOP, ENDBR64, JMP_INDIRECT, RET, XBEGIN_REL, FAR, SYSCALL, TRAP, INT3, UNDEFINED, HLT ->
                writeMoved(insn);
        }
    }

    private static long target(X64Insn insn) {
        return insn.branchTarget().orElseThrow().value();
    }

    private void writeConditional(X64Insn insn) {
        out.bytes(new byte[] {0x0f, (byte) (0x80 | insn.opcode() & 15)});
        long distance = target(insn) - (out.here() + 4);
        out.bytes(int32(distance));
    }

    /** {@code loop +2; jmp over; jmp target}: these have no long form. */
    private void writeHop(X64Insn insn) {
        out.bytes(new byte[] {(byte) insn.opcode(), 2, (byte) 0xeb, 5});
        out.bytes(new byte[] {(byte) 0xe9});
        out.bytes(int32(target(insn) - (out.here() + 4)));
    }

    /** The callee sees the original return address, as does an unwinder. Flags stay as they are. */
    private void pushReturnAddress(X64Insn insn) {
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, -8));
        storeReturnAddress(insn, 0);
    }

    private void storeReturnAddress(X64Insn insn, int offset) {
        long back = insn.end().value();
        out.mov(OpSize.D, Address.at(Gpr.RSP, offset), (int) back);
        out.mov(OpSize.D, Address.at(Gpr.RSP, offset + 4), (int) (back >> 32));
    }

    /**
     * A target in memory is read before the stack changes: it may lie there. It goes below the return address, where the
     * callee's frame begins.
     */
    private void writeIndirectCall(X64Insn insn) {
        if (!insn.hasMemoryOperand() || insn.isRipRelative()) {
            pushReturnAddress(insn);
            writeMoved(insn, withOperation(insn, JUMP));
            return;
        }
        writeMoved(insn, withOperation(insn, PUSH));
        out.push(Address.at(Gpr.RSP));
        storeReturnAddress(insn, 8);
        out.lea(OpSize.Q, Gpr.RSP, Address.at(Gpr.RSP, 8));
        out.bytes(JUMP_BELOW_STACK);
    }

    /** The instruction's bytes with another operation of opcode group 5. */
    private static byte[] withOperation(X64Insn insn, int operation) {
        byte[] bytes = insn.bytes();
        int modrmAt = InsnShape.opcodeOffset(insn.shape()) + 1;
        bytes[modrmAt] = (byte) (bytes[modrmAt] & ~0x38 | operation << 3);
        return bytes;
    }

    private void writeMoved(X64Insn insn) {
        writeMoved(insn, insn.bytes());
    }

    private void writeMoved(X64Insn insn, byte[] bytes) {
        insn.ripTarget().ifPresent(target -> {
            long distance = target.value() - (out.here() + bytes.length);
            System.arraycopy(int32(distance), 0, bytes, insn.dispOffset(), 4);
        });
        out.bytes(bytes);
    }

    private static byte[] int32(long value) {
        if (value != (int) value) {
            throw new AssertionError("displacement " + value + " was not checked");
        }
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt((int) value)
                .array();
    }
}
