package graft.syscalls;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.InsnShape;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.FunctionBounds;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * The system calls of a module's text, found by decoding it from the start of each function on. Bytes that look like
 * {@code syscall} inside other instructions are no sites; those that decoding did not reach are unclear.
 *
 * @param sites ascending
 * @param unclear places that may be system calls, in code or data that is not understood
 */
public record SyscallSites(List<SyscallSite> sites, List<RemoteAddress> unclear) {
    public SyscallSites {
        sites = List.copyOf(sites);
        unclear = List.copyOf(unclear);
    }

    /** Those of a module that is loaded with {@code loadBias}. */
    public static SyscallSites of(ElfFile elf, long loadBias) {
        List<SyscallSite> sites = new ArrayList<>();
        List<RemoteAddress> unclear = new ArrayList<>();
        TreeMap<Long, String> functions = functions(elf);
        for (ElfSegment segment : elf.segments()) {
            if (segment.type() == ElfSegment.LOAD && segment.isExecutable() && segment.fileSize() > 0) {
                new Text(elf, segment, loadBias).find(functions, sites, unclear);
            }
        }
        return new SyscallSites(sites, unclear);
    }

    /** Names by address: symbols, and what the unwinder is told of. */
    private static TreeMap<Long, String> functions(ElfFile elf) {
        TreeMap<Long, String> functions = new TreeMap<>();
        for (FunctionBounds.Bounds bounds : bounds(elf)) {
            functions.put(bounds.start().value(), bounds.start().toString());
        }
        for (ElfSymbol symbol : elf.functions().all().reversed()) {
            functions.put(symbol.value().value(), symbol.name());
        }
        return functions;
    }

    private static List<FunctionBounds.Bounds> bounds(ElfFile elf) {
        try {
            return elf.functionBounds().all();
        } catch (ElfFormatException _) {
            return List.of(); // symbols alone, then
        }
    }

    /** One executable segment. */
    private static final class Text {
        private final byte[] bytes;
        private final ElfVirtualAddress start;
        private final long loadBias;
        private final BitSet farTargets;

        Text(ElfFile elf, ElfSegment segment, long loadBias) {
            this.bytes = elf.bytesAt(segment.address(), (int) segment.fileSize());
            this.start = segment.address();
            this.loadBias = loadBias;
            this.farTargets = farTargets();
        }

        /** Where branches with 32-bit displacements may lead to: cold parts of a function come back by them. */
        private BitSet farTargets() {
            BitSet targets = new BitSet(bytes.length);
            for (int at = 0; at + FAR_JUMP <= bytes.length; at++) {
                boolean conditional = bytes[at] == 0x0f && (bytes[at + 1] & 0xf0) == 0x80;
                int end = bytes[at] == JMP ? at + FAR_JUMP : conditional ? at + FAR_JUMP + 1 : bytes.length + 1;
                if (end <= bytes.length) {
                    int target = end + int32(end - Integer.BYTES);
                    if (target >= 0 && target < bytes.length) {
                        targets.set(target);
                    }
                }
            }
            return targets;
        }

        private int int32(int at) {
            return bytes[at] & 0xff | (bytes[at + 1] & 0xff) << 8 | (bytes[at + 2] & 0xff) << 16 | bytes[at + 3] << 24;
        }

        void find(TreeMap<Long, String> functions, List<SyscallSite> sites, List<RemoteAddress> unclear) {
            TreeMap<Long, String> regions =
                    new TreeMap<>(functions.subMap(start.value(), start.value() + bytes.length));
            regions.putIfAbsent(start.value(), start.toString());
            Map.Entry<Long, String> region = regions.firstEntry();
            while (region != null) {
                int from = offset(region.getKey());
                Map.Entry<Long, String> next = regions.higherEntry(region.getKey());
                while (next != null && mayCall(from, end(regions, next)) && beginsInside(from, next)) {
                    next = regions.higherEntry(next.getKey());
                }
                int to = next == null ? bytes.length : offset(next.getKey());
                if (mayCall(from, to)) {
                    find(region.getValue(), from, to, sites, unclear);
                }
                region = next;
            }
        }

        private int end(TreeMap<Long, String> regions, Map.Entry<Long, String> region) {
            Long next = regions.higherKey(region.getKey());
            return next == null ? bytes.length : offset(next);
        }

        /**
         * Whether an instruction of a region reaches into what the unwinder is told of as the next: for the return from a
         * signal's handler it is told one byte too early, on purpose.
         */
        private boolean beginsInside(int from, Map.Entry<Long, String> next) {
            int end = offset(next.getKey());
            if (!next.getValue().equals(new ElfVirtualAddress(next.getKey()).toString())) {
                return false;
            }
            int at = from;
            int length = 1;
            while (at < end && length > 0) {
                length = InsnShape.length(X64Decoder.shape(bytes, at, bytes.length));
                at += length;
            }
            return at > end;
        }

        private int offset(long address) {
            return (int) (address - start.value());
        }

        private RemoteAddress remote(int offset) {
            return new ElfVirtualAddress(start.value() + offset).loadedWith(loadBias);
        }

        private boolean mayCall(int from, int to) {
            for (int at = from; at + 1 < to; at++) {
                if (isCall(at)) {
                    return true;
                }
            }
            return false;
        }

        private boolean isCall(int at) {
            return bytes[at] == 0x0f && bytes[at + 1] == 0x05;
        }

        private void find(String function, int from, int to, List<SyscallSite> sites, List<RemoteAddress> unclear) {
            List<Integer> calls = new ArrayList<>();
            int at = from;
            int length = 1;
            while (at < to && length > 0) {
                long shape = X64Decoder.shape(bytes, at, to);
                length = InsnShape.length(shape);
                if (length > 0 && InsnShape.kind(shape) == InsnKind.SYSCALL) {
                    calls.add(at + length - 2); // behind prefixes that mean nothing
                }
                at += length;
            }
            for (int rest = at; rest + 1 < to; rest++) {
                if (isCall(rest)) {
                    unclear.add(remote(rest));
                }
            }
            if (!calls.isEmpty()) {
                Line line = new Line(from, at);
                List<RemoteAddress> places = calls.stream().map(this::remote).toList();
                for (int i = 0; i < calls.size(); i++) {
                    RemoteAddress call = places.get(i);
                    boolean givesBack = i + 1 < calls.size() && line.givesStackBack(call, places.get(i + 1));
                    boolean given =
                            function.startsWith(GO_THREAD_END) || i > 0 && line.givesStackBack(places.get(i - 1), call);
                    SyscallSite.Stack stack = given
                            ? SyscallSite.Stack.GONE
                            : givesBack ? SyscallSite.Stack.GONE_BEHIND : SyscallSite.Stack.THERE;
                    sites.add(new SyscallSite(function, remote(from), remote(to), call, line.numberAt(call), stack));
                }
            }
        }

        /** The instructions of one region. */
        private final class Line {
            private final List<X64Insn> insns = new ArrayList<>();
            private final Set<RemoteAddress> targets = new HashSet<>();

            Line(int from, int to) {
                int at = from;
                while (at < to && X64Decoder.decode(bytes, at, remote(at)) instanceof X64Insn insn) {
                    insns.add(insn);
                    insn.branchTarget().ifPresent(targets::add);
                    if (farTargets.get(at)) {
                        targets.add(insn.address());
                    }
                    at += insn.length();
                }
            }

            /** Whether a thread unmaps something and ends with what comes next: its stack, then. */
            boolean givesStackBack(RemoteAddress first, RemoteAddress second) {
                return numberAt(first).equals(OptionalInt.of(MUNMAP))
                        && numberAt(second).equals(OptionalInt.of(EXIT))
                        && insns.stream()
                                .filter(insn -> insn.address().compareTo(first) > 0
                                        && insn.address().compareTo(second) < 0)
                                .allMatch(insn -> insn.kind() == InsnKind.PLAIN || insn.kind() == InsnKind.NOP);
            }

            OptionalInt numberAt(RemoteAddress call) {
                for (int i = 0; i < insns.size(); i++) {
                    if (insns.get(i).end().equals(call.plus(SYSCALL_BYTES))) {
                        OptionalInt number = CallNumber.before(insns, i, targets);
                        return number.isPresent() ? number : CallNumber.inLoop(insns, i);
                    }
                }
                return OptionalInt.empty();
            }
        }
    }

    private static final int SYSCALL_BYTES = 2;
    private static final int FAR_JUMP = 5;
    private static final byte JMP = (byte) 0xe9;
    private static final int MUNMAP = 11;
    private static final int EXIT = 60;

    /** Says that others may have its stack, then ends. */
    private static final String GO_THREAD_END = "runtime.exitThread";
}
