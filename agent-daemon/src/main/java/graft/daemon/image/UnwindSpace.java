package graft.daemon.image;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSegment;
import graft.platform.elf.UnwindTable;
import graft.platform.layout.UnwindConstants;
import graft.platform.layout.UnwindModuleLayout;
import graft.platform.linux.Mman;
import graft.platform.linux.NativeFd;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SharedRegion;
import graft.platform.proc.MemoryMapping;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The memory of {@code unwind.layout}: how functions' callers are found, by the tables of the files that targets have mapped. A
 * file's table is there once for all targets. Files without one, or for which no room is left, are left out. Owns memory and
 * descriptor.
 */
public final class UnwindSpace implements AutoCloseable {
    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final String VDSO = "[vdso]";
    private static final long PAGE = 4096;

    private final NativeFd fd;
    private final SharedRegion region;
    private final MemorySegment memory;
    private final Map<Object, Optional<Placed>> tables = new HashMap<>(); // guarded by this
    private final Map<Integer, Long> processes = new HashMap<>(); // by id, where their words are; guarded by this
    private long next = UnwindConstants.UNWIND_FIRST; // guarded by this

    /** Empty memory. */
    public UnwindSpace() {
        this.fd = Mman.sealedMemfd("graft-unwind", UnwindConstants.UNWIND_SIZE, Mman.MFD_NOEXEC_SEAL);
        this.region = SharedRegion.map(fd, UnwindConstants.UNWIND_SIZE, SharedRegion.Access.READ_WRITE);
        this.memory = region.segment();
    }

    /** A table in the memory. */
    private record Placed(long at, ElfVirtualAddress base) {}

    /** Code of a process, and what is known of it. */
    private record Code(RemoteAddress start, RemoteAddress end, long bias, Placed table) {}

    /** The memory, to be mapped by targets. Borrowed. */
    NativeFd fd() {
        return fd;
    }

    /**
     * Says what a process has mapped, in place of what was said of it before, also to those that have mapped this memory.
     *
     * @return where its word is
     */
    synchronized int describe(TargetModules modules) {
        List<Code> code = new ArrayList<>();
        for (String path : modules.paths()) {
            modules.named(path).ifPresent(module -> table(module).ifPresent(table -> add(code, module, table)));
        }
        modules.maps().mappings().stream()
                .filter(mapping -> mapping.path().filter(VDSO::equals).isPresent())
                .findFirst()
                .ifPresent(mapping -> addVdso(code, mapping, modules.pid()));
        code.sort(Comparator.comparing(Code::start));
        long word = processes.computeIfAbsent(
                modules.pid(), _ -> reserve(Long.BYTES).orElse(0L));
        byte[] directory = directory(code);
        if (word != 0) {
            reserve(directory.length).ifPresent(at -> {
                write(at, directory);
                LONG.setRelease(memory, word, (long) at);
            });
        }
        return (int) word;
    }

    private static void add(List<Code> code, TargetModule module, Placed table) {
        for (MemoryMapping mapping : module.text()) {
            module.elf().segments().stream()
                    .filter(segment -> segment.type() == ElfSegment.LOAD && isPartOf(segment, mapping))
                    .reduce((_, later) -> later)
                    .map(segment -> mapping.start().value()
                            - mapping.offset().value()
                            - (segment.address().value() - segment.offset().value()))
                    .ifPresent(bias -> code.add(new Code(mapping.start(), mapping.end(), bias, table)));
        }
    }

    /** A segment may begin anywhere in its first page, and the mapping begins with that. */
    private static boolean isPartOf(ElfSegment segment, MemoryMapping mapping) {
        long offset = mapping.offset().value();
        long start = segment.offset().value();
        return segment.isExecutable() && (start & -PAGE) <= offset && offset < start + segment.fileSize();
    }

    private Optional<Placed> table(TargetModule module) {
        return tables.computeIfAbsent(FileKey.of(module), _ -> place(module.elf()));
    }

    private void addVdso(List<Code> code, MemoryMapping mapping, int pid) {
        byte[] image;
        try (ProcMem memory = ProcMem.open(pid)) {
            image = memory.readBytes(mapping.start(), (int) mapping.size());
        }
        try (ElfFile elf = ElfFile.of(VDSO, image)) {
            long first = elf.segments().stream()
                    .filter(segment -> segment.type() == ElfSegment.LOAD)
                    .mapToLong(segment -> segment.address().value())
                    .min()
                    .orElse(0);
            tables.computeIfAbsent(ByteBuffer.wrap(image), _ -> place(elf))
                    .ifPresent(table -> code.add(new Code(
                            mapping.start(), mapping.end(), mapping.start().value() - first, table)));
        } catch (ElfFormatException _) {
            // As of any other file that is not understood.
        }
    }

    private Optional<Placed> place(ElfFile elf) {
        try {
            UnwindTable table = UnwindTable.of(elf);
            if (table.rows() == 0) {
                return Optional.empty();
            }
            byte[] image = UnwindImage.of(table, next);
            return reserve(image.length).map(at -> {
                write(at, image);
                return new Placed(at, table.base());
            });
        } catch (ElfFormatException | ArithmeticException _) {
            return Optional.empty();
        }
    }

    private static byte[] directory(List<Code> code) {
        ByteBuffer directory = ByteBuffer.allocate(Long.BYTES + code.size() * UnwindModuleLayout.SIZE)
                .order(ByteOrder.LITTLE_ENDIAN);
        directory.putLong(code.size());
        for (Code one : code) {
            int at = directory.position();
            directory.putLong(at + UnwindModuleLayout.START, one.start().value());
            directory.putLong(at + UnwindModuleLayout.END, one.end().value());
            directory.putLong(
                    at + UnwindModuleLayout.BASE,
                    one.bias() + one.table().base().value());
            directory.putLong(at + UnwindModuleLayout.TABLE, one.table().at());
            directory.position(at + UnwindModuleLayout.SIZE);
        }
        return directory.array();
    }

    /** Room that nobody has, at the next multiple of a word. */
    private Optional<Long> reserve(int bytes) {
        long at = next;
        long end = at + ((long) bytes + Long.BYTES - 1 & -Long.BYTES);
        if (end > UnwindConstants.UNWIND_SIZE) {
            return Optional.empty();
        }
        next = end;
        return Optional.of(at);
    }

    private void write(long at, byte[] bytes) {
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, bytes.length);
    }

    @Override
    public void close() {
        region.close();
        fd.close();
    }
}
