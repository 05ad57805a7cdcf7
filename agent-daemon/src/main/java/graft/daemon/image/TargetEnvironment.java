package graft.daemon.image;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfFormatException;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.linux.ProcMem;
import graft.platform.proc.ClockOffsets;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.PidNamespace;
import graft.platform.proc.ProcessStatus;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What helpers need to know of their process, found in its files and memory without stopping it. What is not found is
 * left out; the agent then asks the kernel, which is slower and always right.
 *
 * @param tgid the process id in the initial pid namespace
 * @param ownTgid the process id in its own pid namespace, when that is another
 * @param pidNamespace which one that is
 * @param tidOffset of a thread's id, in its own pid namespace, from its thread pointer
 * @param rseqOffset of a thread's rseq area from its thread pointer
 * @param clockGettime the vDSO's function
 * @param clocks how they differ from the kernel's
 * @param singleThreaded glibc's {@code __libc_single_threaded}
 * @param mainStack the stack of the main thread, as far as it has grown
 * @param systemCalls whether a filter may forbid some
 * @param children whether helpers are called in processes that it forks, too
 */
public record TargetEnvironment(
        int tgid,
        OptionalInt ownTgid,
        Optional<PidNamespace> pidNamespace,
        int uid,
        int gid,
        OptionalInt tidOffset,
        OptionalInt rseqOffset,
        Optional<RemoteAddress> clockGettime,
        ClockOffsets clocks,
        Optional<RemoteAddress> singleThreaded,
        Optional<MemoryMapping> mainStack,
        SystemCalls systemCalls,
        ForkedChildren children) {

    /** What the kernel looks at before it does what a process asks for. */
    enum SystemCalls {
        /** Nothing that the process has asked for. */
        FREE,
        /** A filter (seccomp). */
        FILTERED
    }

    /** Of the ids in {@code /proc/PID/status}: real, effective, saved, file system. The kernel's helper reports the real one. */
    private static final int REAL = 0;

    /** Looks at the process of {@code modules}. */
    public static TargetEnvironment of(TargetModules modules, ProcMem memory, ForkedChildren children) {
        ProcessStatus status = ProcessStatus.of(modules.pid());
        boolean ownPidNumbers = status.namespacePids().size() <= 1;
        Optional<TargetModule> libc = modules.named("libc.so.6");
        return new TargetEnvironment(
                modules.pid(),
                ownPidNumbers
                        ? OptionalInt.empty()
                        : OptionalInt.of(status.namespacePids().getLast()),
                PidNamespace.find(modules.pid()),
                status.uid().get(REAL),
                status.gid().get(REAL),
                libc.map(TargetEnvironment::tidOffset).orElseGet(OptionalInt::empty),
                rseqOffset(modules, memory),
                clockGettime(modules, memory),
                ClockOffsets.of(modules.pid()),
                libc.flatMap(module -> module.dynamicSymbol("__libc_single_threaded")),
                mapping(modules, "[stack]").filter(MemoryMapping::isWritable),
                status.seccomp() == 0 ? SystemCalls.FREE : SystemCalls.FILTERED,
                children);
    }

    /** Whether it, or a process that it forks and that is followed, may have other numbers than graft knows it by. */
    boolean needsNumbers() {
        return ownTgid.isPresent() || asksForParents();
    }

    /**
     * Whether children find out by their parent's number that they are in another pid namespace. Under a filter, which may
     * forbid the call, they are taken to be in the same.
     */
    boolean asksForParents() {
        return children == ForkedChildren.FOLLOWED && ownTgid.isEmpty() && systemCalls == SystemCalls.FREE;
    }

    /** glibc tells debuggers where {@code struct pthread} keeps the id: bits, count, offset. */
    private static OptionalInt tidOffset(TargetModule libc) {
        return libc.elf().symbols(SymbolTable.DYNAMIC).stream()
                .filter(symbol -> symbol.isDefined() && symbol.name().equals("_thread_db_pthread_tid"))
                .map(symbol -> littleEndian(libc.elf().bytesAt(symbol.value(), 12)))
                .filter(descriptor -> descriptor.getInt(0) == Integer.SIZE)
                .mapToInt(descriptor -> descriptor.getInt(8))
                .findFirst();
    }

    private static OptionalInt rseqOffset(TargetModules modules, ProcMem memory) {
        Optional<TargetModule> loader = modules.named("ld-linux-x86-64.so.2");
        Optional<RemoteAddress> size = loader.flatMap(module -> module.dynamicSymbol("__rseq_size"));
        Optional<RemoteAddress> offset = loader.flatMap(module -> module.dynamicSymbol("__rseq_offset"));
        if (size.isEmpty()
                || offset.isEmpty()
                || littleEndian(memory.readBytes(size.get(), 4)).getInt() == 0) {
            return OptionalInt.empty();
        }
        return OptionalInt.of(
                (int) littleEndian(memory.readBytes(offset.get(), 8)).getLong());
    }

    private static Optional<MemoryMapping> mapping(TargetModules modules, String name) {
        return modules.maps().mappings().stream()
                .filter(mapping -> mapping.path().filter(name::equals).isPresent())
                .findFirst();
    }

    private static Optional<RemoteAddress> clockGettime(TargetModules modules, ProcMem memory) {
        Optional<MemoryMapping> vdso = mapping(modules, "[vdso]");
        if (vdso.isEmpty()) {
            return Optional.empty();
        }
        RemoteAddress start = vdso.get().start();
        byte[] image = memory.readBytes(start, (int) vdso.get().size());
        try (ElfFile elf = ElfFile.of("[vdso]", image)) {
            return elf.symbols(SymbolTable.DYNAMIC).stream()
                    .filter(symbol -> symbol.name().equals("__vdso_clock_gettime"))
                    .findFirst()
                    .map(ElfSymbol::value)
                    .map(ElfVirtualAddress::value)
                    .map(start::plus);
        } catch (ElfFormatException _) {
            return Optional.empty();
        }
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
