package graft.tests.relocation;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.InsnKind;
import graft.platform.asm.x86_64.X64Assembler;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfHeader;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.ElfSymbol;
import graft.rewriter.relocate.Relocation;
import graft.rewriter.relocate.Relocator;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Instructions that a jump would displace, from random places of a library's functions, and what they become. */
final class ProgramWindows {
    /** Apart from where the runner itself is. */
    private static final long LOAD_BIAS = 0x4000_0000_0000L;

    private static final long POOL_DISTANCE = 64L << 20;
    private static final int JUMP = 5;
    private static final int FUNCTION_BYTES = 4096;
    private static final int WINDOWS_A_FUNCTION = 8;
    private static final int MAX_MOVED = 160;
    private static final int ENOUGH = 100;

    private final Path file;
    private final RemoteAddress text;
    private final byte[] code;
    private final RemoteAddress image;
    private final long imageSize;
    private final List<ElfSymbol> functions;
    private final SplittableRandom random;
    private final Map<String, Integer> refusals = new TreeMap<>();

    /**
     * A window.
     *
     * @param moved the bytes for {@link #pool()}
     * @param places where each instruction continues
     */
    record Displaced(List<X64Insn> insns, byte[] moved, List<Relocation.Moved> places, long seed) {
        RemoteAddress start() {
            return insns.getFirst().address();
        }

        boolean calls() {
            InsnKind last = insns.getLast().kind();
            return last == InsnKind.CALL_REL || last == InsnKind.CALL_INDIRECT;
        }
    }

    ProgramWindows(Path file, long seed) {
        this.file = file;
        this.random = new SplittableRandom(seed);
        try (ElfFile elf = ElfFile.open(file)) {
            ElfSegment executable = elf.segments().stream()
                    .filter(segment -> segment.type() == ElfSegment.LOAD && segment.isExecutable())
                    .findFirst()
                    .orElseThrow();
            this.text = executable.address().loadedWith(LOAD_BIAS);
            this.code = elf.bytesAt(executable.address(), (int) executable.fileSize());
            this.image = new RemoteAddress(LOAD_BIAS);
            this.imageSize = elf.segments().stream()
                    .filter(segment -> segment.type() == ElfSegment.LOAD)
                    .mapToLong(segment -> segment.address().value() + segment.memorySize())
                    .max()
                    .orElseThrow();
            this.functions = elf.functions().all().stream()
                    .filter(symbol -> symbol.type() == ElfSymbol.Type.FUNCTION && symbol.size() >= JUMP)
                    .filter(symbol -> holds(executable, symbol.value()))
                    .toList();
        }
    }

    /** Whether a file is a library, or a program that may be loaded anywhere, with functions. */
    static boolean isUsable(Path file) {
        try (ElfFile elf = ElfFile.open(file)) {
            return elf.header().type() == ElfHeader.SHARED
                    && elf.functions().all().stream()
                                    .filter(symbol -> symbol.size() >= JUMP)
                                    .count()
                            > ENOUGH;
        } catch (ElfFormatException _) {
            return false;
        }
    }

    private static boolean holds(ElfSegment segment, ElfVirtualAddress address) {
        long offset = address.value() - segment.address().value();
        return offset >= 0 && offset < segment.fileSize();
    }

    Path file() {
        return file;
    }

    RemoteAddress text() {
        return text;
    }

    long textSize() {
        return code.length;
    }

    RemoteAddress image() {
        return image;
    }

    long imageSize() {
        return imageSize;
    }

    /** Where moved instructions are. */
    RemoteAddress pool() {
        return image.plus((imageSize + POOL_DISTANCE) & -4096L);
    }

    /** How often instructions could not be moved, by reason. */
    Map<String, Integer> refusals() {
        return Map.copyOf(refusals);
    }

    /** Random windows that can be moved. */
    List<Displaced> choose(int count) {
        List<Displaced> chosen = new ArrayList<>(count);
        while (chosen.size() < count) {
            ElfSymbol function = functions.get(random.nextInt(functions.size()));
            List<X64Insn> insns = decode(function);
            for (int i = 0; i < WINDOWS_A_FUNCTION && !insns.isEmpty() && chosen.size() < count; i++) {
                displaced(window(insns, random.nextInt(insns.size()))).ifPresent(chosen::add);
            }
        }
        return chosen;
    }

    private List<X64Insn> decode(ElfSymbol function) {
        List<X64Insn> insns = new ArrayList<>();
        RemoteAddress at = function.value().loadedWith(LOAD_BIAS);
        RemoteAddress end = at.plus(Math.min(function.size(), FUNCTION_BYTES));
        while (at.compareTo(end) < 0 && X64Decoder.decode(code, (int) at.minus(text), at) instanceof X64Insn insn) {
            insns.add(insn);
            at = insn.end();
        }
        return insns;
    }

    private static List<X64Insn> window(List<X64Insn> insns, int first) {
        int last = first;
        int length = insns.get(first).length();
        while (length < JUMP
                && last + 1 < insns.size()
                && !insns.get(last).kind().endsFlow()) {
            last++;
            length += insns.get(last).length();
        }
        return insns.subList(first, last + 1);
    }

    private Optional<Displaced> displaced(List<X64Insn> insns) {
        RemoteAddress start = insns.getFirst().address();
        RemoteAddress end = insns.getLast().end();
        if (insns.stream().anyMatch(insn -> Incomparable.is(insn, start, end))) {
            refusals.merge("not compared", 1, Integer::sum);
            return Optional.empty();
        }
        X64Assembler out = new X64Assembler(pool().value());
        return switch (new Relocator(out).relocate(insns)) {
            case Relocation.Refused refused -> {
                refusals.merge(refused.reason().replaceAll("0x[0-9a-f]+", "..."), 1, Integer::sum);
                yield Optional.empty();
            }
            case Relocation.Done(var places) -> {
                if (!insns.getLast().kind().endsFlow()) {
                    out.jmp(end.value());
                }
                byte[] moved = out.finish();
                yield moved.length <= MAX_MOVED
                        ? Optional.of(new Displaced(List.copyOf(insns), moved, places, random.nextLong()))
                        : Optional.empty();
            }
        };
    }
}
