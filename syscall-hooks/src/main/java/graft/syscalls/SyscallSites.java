package graft.syscalls;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Finds the system calls in the functions of a module by decoding each function from its symbol on. Bytes that look like
 * {@code syscall} inside other instructions are no sites.
 */
public final class SyscallSites {
    private static final int MOV_EAX_IMM32 = 0xb8;
    private static final byte[] MOV_RAX_IMM32 = {0x48, (byte) 0xc7, (byte) 0xc0};

    private final ElfFile elf;
    private final long loadBias;
    private final Set<RemoteAddress> seen = new HashSet<>();
    private final List<SyscallSite> sites = new ArrayList<>();

    private SyscallSites(ElfFile elf, long loadBias) {
        this.elf = elf;
        this.loadBias = loadBias;
    }

    /** All sites in functions with names, ascending by function; {@code loadBias} is where the file is in the process. */
    public static List<SyscallSite> of(ElfFile elf, long loadBias) {
        SyscallSites finder = new SyscallSites(elf, loadBias);
        elf.functions().all().forEach(finder::scan);
        return List.copyOf(finder.sites);
    }

    private void scan(ElfSymbol function) {
        if (function.size() == 0 || elf.fileOffset(function.value()).isEmpty()) {
            return;
        }
        byte[] body = elf.bytesAt(function.value(), (int) function.size());
        RemoteAddress start = function.value().loadedWith(loadBias);
        List<X64Insn> insns = decode(body, start);
        for (int i = 1; i + 1 < insns.size(); i++) {
            X64Insn call = insns.get(i);
            if (call.kind() == InsnKind.SYSCALL && seen.add(call.address())) {
                X64Insn before = insns.get(i - 1);
                RemoteAddress after = insns.get(i + 1).address();
                sites.add(new SyscallSite(function.name(), before.address(), call.address(), after, number(before)));
            }
        }
    }

    /** The function's instructions up to the first that is not understood. */
    private static List<X64Insn> decode(byte[] body, RemoteAddress start) {
        List<X64Insn> insns = new ArrayList<>();
        int offset = 0;
        Optional<X64Insn> next = at(body, offset, start);
        while (next.isPresent()) {
            insns.add(next.get());
            offset += next.get().length();
            next = at(body, offset, start);
        }
        return insns;
    }

    private static Optional<X64Insn> at(byte[] body, int offset, RemoteAddress start) {
        return offset < body.length && X64Decoder.decode(body, offset, start.plus(offset)) instanceof X64Insn insn
                ? Optional.of(insn)
                : Optional.empty();
    }

    private static OptionalInt number(X64Insn before) {
        byte[] bytes = before.bytes();
        boolean moveEax = bytes.length == 5 && (bytes[0] & 0xff) == MOV_EAX_IMM32;
        boolean moveRax =
                bytes.length == 7 && java.util.Arrays.equals(bytes, 0, 3, MOV_RAX_IMM32, 0, MOV_RAX_IMM32.length);
        return moveEax || moveRax ? OptionalInt.of(immediate(bytes)) : OptionalInt.empty();
    }

    private static int immediate(byte[] bytes) {
        int at = bytes.length - Integer.BYTES;
        return bytes[at] & 0xff
                | (bytes[at + 1] & 0xff) << 8
                | (bytes[at + 2] & 0xff) << 16
                | (bytes[at + 3] & 0xff) << 24;
    }
}
