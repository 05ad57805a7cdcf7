package graft.platform.capstone;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/** The linked functions of one loaded libcapstone, and the layout that goes with its version. Loaded for good. */
final class CapstoneLibrary {
    private static final int ARCH_X86 = 3;
    private static final int MODE_64 = 1 << 3;

    private final InsnLayout layout;
    private final String version;
    private final MethodHandle open;
    private final MethodHandle close;
    private final MethodHandle malloc;
    private final MethodHandle free;
    private final MethodHandle next;

    /** Whether a library could be used. */
    sealed interface Loading {
        record Loaded(CapstoneLibrary library) implements Loading {}

        record Failed(String why) implements Loading {}
    }

    /** Found once in a process, when first asked for. */
    private static final class Installed {
        private static final Loading LOADING = load(LibraryNames.candidates());
    }

    private CapstoneLibrary(SymbolLookup symbols, InsnLayout layout, String version) {
        this.layout = layout;
        this.version = version;
        open = link(symbols, "cs_open", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
        close = link(symbols, "cs_close", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        malloc = link(symbols, "cs_malloc", FunctionDescriptor.of(ADDRESS, JAVA_LONG));
        free = link(symbols, "cs_free", FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG));
        next = link(
                symbols,
                "cs_disasm_iter",
                FunctionDescriptor.of(JAVA_BOOLEAN, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    }

    static Loading installed() {
        return Installed.LOADING;
    }

    /** The first of {@code names}, paths or what the dynamic linker searches for, that loads and can be used. */
    static Loading load(List<String> names) {
        String refused = "";
        for (String name : names) {
            Optional<SymbolLookup> symbols = find(name);
            if (symbols.isPresent()) {
                switch (use(symbols.get())) {
                    case Loading.Loaded loaded -> {
                        return loaded;
                    }
                    case Loading.Failed(String why) -> refused = name + " " + why;
                }
            }
        }
        return new Loading.Failed(refused.isEmpty() ? "no libcapstone is installed" : refused);
    }

    private static Optional<SymbolLookup> find(String name) {
        try {
            return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
        } catch (IllegalArgumentException _) {
            // Not there, or not a library of this machine: the next name may be.
            return Optional.empty();
        }
    }

    private static Loading use(SymbolLookup symbols) {
        if (symbols.find("cs_version").isEmpty()) {
            return new Loading.Failed("is not Capstone");
        }
        MethodHandle version = link(symbols, "cs_version", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        MethodHandle support = link(symbols, "cs_support", FunctionDescriptor.of(JAVA_BOOLEAN, JAVA_INT));
        try {
            int number = (int) version.invokeExact(MemorySegment.NULL, MemorySegment.NULL);
            String text = (number >> 8) + "." + (number & 0xff);
            Optional<InsnLayout> layout = InsnLayout.of(number >> 8);
            if (layout.isEmpty()) {
                return new Loading.Failed("is version " + text + "; 4 and 5 are known");
            }
            if (!(boolean) support.invokeExact(ARCH_X86)) {
                return new Loading.Failed("was built without x86");
            }
            return new Loading.Loaded(new CapstoneLibrary(symbols, layout.get(), text));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    private static MethodHandle link(SymbolLookup symbols, String name, FunctionDescriptor shape) {
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), shape);
    }

    private static AssertionError unexpected(Throwable thrown) {
        return new AssertionError("a native call threw", thrown);
    }

    InsnLayout layout() {
        return layout;
    }

    /** Major and minor version: {@code 4.0}. */
    String version() {
        return version;
    }

    /** Opens for x86-64 in Intel syntax into {@code handle}; 0 or an error number. */
    int open(MemorySegment handle) {
        try {
            return (int) open.invokeExact(ARCH_X86, MODE_64, handle);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    void close(MemorySegment handle) {
        try {
            int ignored = (int) close.invokeExact(handle);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /** Room for one insn. What it contains depends on the options at this moment: set options before, never after. */
    MemorySegment allocateInsn(long handle) {
        try {
            return ((MemorySegment) malloc.invokeExact(handle)).reinterpret(layout.total());
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    void freeInsn(MemorySegment insn) {
        try {
            free.invokeExact(insn, 1L);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    /** Decodes one insn and moves the code, size and address behind it; false when it does not know the bytes. */
    boolean next(long handle, MemorySegment cursor, MemorySegment insn) {
        try {
            return (boolean)
                    next.invokeExact(handle, cursor.asSlice(0, 8), cursor.asSlice(8, 8), cursor.asSlice(16, 8), insn);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }
}
