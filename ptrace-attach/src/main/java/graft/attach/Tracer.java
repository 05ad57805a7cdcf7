package graft.attach;

import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.platform.linux.ExecutableMemory;
import graft.shim.ShimResource;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The routine that acts while threads of a target are stopped ({@code tracer/} of preload-shim). It is machine code of
 * this process: what it does takes as long in a virtual machine that has just started as in one that is warm, and
 * collecting garbage does not wait for it, nor it for that.
 */
final class Tracer {
    private static final String ENTRY = "graft_tracer_run";
    private static final MethodHandle RUN = load();

    private Tracer() {}

    /** Loads it. Otherwise the first use does, which is never inside a stop, because it is prepared there. */
    static void prepare() {
        assert RUN != null;
    }

    /** Performs the operations of a {@code struct graft_stop}. @return 0, 1, or a negative errno */
    static long run(MemorySegment stop) {
        try {
            return (long) RUN.invokeExact(stop.address());
        } catch (Throwable thrown) {
            throw new AssertionError("a native call threw", thrown);
        }
    }

    private static MethodHandle load() {
        try (ElfFile elf = ElfFile.of("graft-tracer.so", ShimResource.TRACER.bytes())) {
            ElfSection text =
                    elf.section(".text").orElseThrow(() -> new AssertionError("the tracer of this build has no text"));
            ElfSymbol entry = elf.symbols(SymbolTable.DYNAMIC).stream()
                    .filter(symbol -> symbol.name().equals(ENTRY))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("the tracer of this build has no entry"));
            byte[] image = elf.content(text);
            // Lives as long as the process.
            ExecutableMemory memory = ExecutableMemory.allocate(image.length);
            memory.write(0, image);
            return memory.function(entry.value().value() - text.address().value());
        }
    }
}
