package graft.daemon.image;

import graft.attach.AgentSyscall;
import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.FunctionBounds;
import java.util.Optional;
import java.util.Set;

/**
 * The handler of the signal by which a C library cancels threads. It is local to the library, and installed by the first
 * {@code pthread_cancel}, so it is what that function hands to {@code sigaction} together with the signal's number.
 */
final class CancelHandler {
    /** What the agent calls in front of it. */
    static final Set<AgentSyscall> CALLS =
            Set.of(AgentSyscall.TIMER_CREATE, AgentSyscall.TIMER_SETTIME, AgentSyscall.TIMER_DELETE);

    private static final int LEA = 0x8d;
    private static final int MOV_EDI = 0xbf;

    /** Of glibc, and of musl. */
    private static final int GLIBC = 32;

    private static final int MUSL = 33;

    private CancelHandler() {}

    /** Where it is; nothing when the file is no C library with threads, or cannot be read that far. */
    static Optional<FunctionBounds.Bounds> in(ElfFile elf) {
        try {
            return elf.functions().named("pthread_cancel").stream().findFirst().flatMap(cancel -> in(elf, cancel));
        } catch (ElfFormatException _) {
            return Optional.empty();
        }
    }

    private static Optional<FunctionBounds.Bounds> in(ElfFile elf, ElfSymbol cancel) {
        byte[] code = elf.bytesAt(cancel.value(), (int) cancel.size());
        RemoteAddress start = new RemoteAddress(cancel.value().value());
        Optional<FunctionBounds.Bounds> handler = Optional.empty();
        boolean isHandler = false;
        int offset = 0;
        while (offset < code.length && X64Decoder.decode(code, offset, start.plus(offset)) instanceof X64Insn insn) {
            Optional<FunctionBounds.Bounds> taken = addressTaken(elf, insn);
            handler = taken.isPresent() ? taken : handler;
            isHandler |= passesSignal(insn);
            offset += insn.length();
        }
        return isHandler ? handler : Optional.empty();
    }

    private static Optional<FunctionBounds.Bounds> addressTaken(ElfFile elf, X64Insn insn) {
        if (!insn.isOneByteOpcode() || insn.opcode() != LEA) {
            return Optional.empty();
        }
        return insn.ripTarget()
                .map(target -> new ElfVirtualAddress(target.value()))
                .flatMap(target -> elf.functionBounds()
                        .containing(target)
                        .filter(function -> function.start().equals(target)));
    }

    private static boolean passesSignal(X64Insn insn) {
        boolean sets = insn.isOneByteOpcode() && insn.opcode() == MOV_EDI && insn.rexB() == 0;
        int value = sets ? insn.bytes()[insn.immOffset()] : 0;
        return value == GLIBC || value == MUSL;
    }
}
