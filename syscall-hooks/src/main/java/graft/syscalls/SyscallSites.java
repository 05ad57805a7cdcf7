package graft.syscalls;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSymbol;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Finds the system calls in the functions of a module by decoding each function from its symbol on. Bytes that look like
 * {@code syscall} inside other instructions are no sites.
 */
public final class SyscallSites {
    private static final long REGION_MAX = 1 << 24;
    private static final int LOOK_BACK = 8;
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

    /**
     * All sites of a module's text, ascending; {@code loadBias} is where the file is in the process. Code between named
     * functions belongs to functions without names and is looked at too.
     */
    public static List<SyscallSite> of(ElfFile elf, long loadBias) {
        SyscallSites finder = new SyscallSites(elf, loadBias);
        List<ElfSymbol> functions = elf.functions().all();
        for (int i = 0; i < functions.size(); i++) {
            long start = functions.get(i).value().value();
            OptionalLong next = functions.subList(i + 1, functions.size()).stream()
                    .mapToLong(function -> function.value().value())
                    .filter(value -> value > start)
                    .findFirst();
            finder.scan(functions.get(i), next.orElse(start + functions.get(i).size()));
        }
        return List.copyOf(finder.sites);
    }

    private void scan(ElfSymbol function, long regionEnd) {
        long length = regionEnd - function.value().value();
        boolean inOneSegment = length > 0
                && length < REGION_MAX
                && elf.fileOffset(function.value()).isPresent()
                && elf.fileOffset(new ElfVirtualAddress(regionEnd - 1)).isPresent();
        if (!inOneSegment) {
            return;
        }
        byte[] body = elf.bytesAt(function.value(), (int) length);
        RemoteAddress start = function.value().loadedWith(loadBias);
        List<X64Insn> insns = decode(body, start);
        Set<RemoteAddress> targets = new HashSet<>();
        insns.forEach(insn -> insn.branchTarget().ifPresent(targets::add));
        for (int i = 1; i + 1 < insns.size(); i++) {
            X64Insn call = insns.get(i);
            if (call.kind() == InsnKind.SYSCALL && seen.add(call.address())) {
                X64Insn before = insns.get(i - 1);
                sites.add(new SyscallSite(
                        function.name(),
                        start,
                        start.plus(length),
                        before.address(),
                        call.address(),
                        insns.get(i + 1).address(),
                        number(insns, i, targets)));
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

    /** The constant in eax at instruction {@code call}, when the straight line before it loads one. */
    private static OptionalInt number(List<X64Insn> insns, int call, Set<RemoteAddress> targets) {
        for (int i = call - 1; i >= Math.max(0, call - LOOK_BACK); i--) {
            X64Insn insn = insns.get(i);
            if (targets.contains(insns.get(i + 1).address())) {
                return OptionalInt.empty();
            }
            if (loadsEax(insn.bytes())) {
                return OptionalInt.of(immediate(insn.bytes()));
            }
            if (!keepsEax(insn)) {
                return OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }

    private static boolean loadsEax(byte[] bytes) {
        boolean moveEax = bytes.length == 5 && (bytes[0] & 0xff) == MOV_EAX_IMM32;
        boolean moveRax = bytes.length == 7 && Arrays.equals(bytes, 0, 3, MOV_RAX_IMM32, 0, MOV_RAX_IMM32.length);
        return moveEax || moveRax;
    }

    /** Moves and xors whose destination is another register: all that compilers put between. */
    private static boolean keepsEax(X64Insn insn) {
        if (insn.kind() != InsnKind.PLAIN || !insn.isOneByteOpcode()) {
            return false;
        }
        int opcode = insn.opcode();
        boolean immediateToRegister = (opcode & 0xf8) == MOV_EAX_IMM32;
        if (immediateToRegister) {
            return ((opcode & 7) | insn.rexB()) != 0;
        }
        int modrm = insn.modrm().orElse(0);
        return switch (opcode) {
            case 0x31, 0x89, 0xc7 -> modrm >> 6 != 3 || ((modrm & 7) | insn.rexB()) != 0;
            case 0x33, 0x8b, 0x8d -> (modrm >> 3 & 7) != 0;
            default -> false;
        };
    }

    private static int immediate(byte[] bytes) {
        int at = bytes.length - Integer.BYTES;
        return bytes[at] & 0xff
                | (bytes[at + 1] & 0xff) << 8
                | (bytes[at + 2] & 0xff) << 16
                | (bytes[at + 3] & 0xff) << 24;
    }
}
