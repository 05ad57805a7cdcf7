package graft.platform.keystone;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
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

/** An installed libkeystone. Owns one engine; the library stays loaded. */
final class NativeBackend implements Backend {
    private static final int ARCH_X86 = 4;
    private static final int MODE_64 = 8;
    private static final List<String> NAMES = List.of(
            "libkeystone.so.0",
            "libkeystone.so",
            "/usr/local/lib/libkeystone.so.0",
            "/usr/local/lib/libkeystone.so",
            "/usr/lib/x86_64-linux-gnu/libkeystone.so.0",
            "/usr/lib64/libkeystone.so.0");

    private final SymbolLookup symbols;
    private final MethodHandle assemble;
    private final MemorySegment engine;

    private NativeBackend(SymbolLookup symbols, MemorySegment engine) {
        this.symbols = symbols;
        this.engine = engine;
        assemble = link(
                symbols,
                "ks_asm",
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));
    }

    /** The first installed library that was built with x86. */
    static Optional<Backend> find() {
        for (String name : NAMES) {
            Optional<Backend> found = open(name);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    private static Optional<Backend> open(String name) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(name, Arena.global());
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
        MethodHandle supported = link(symbols, "ks_arch_supported", FunctionDescriptor.of(JAVA_BOOLEAN, JAVA_INT));
        MethodHandle open = link(symbols, "ks_open", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ADDRESS);
            // Some builds carry only other architectures.
            if (!(boolean) supported.invokeExact(ARCH_X86) || (int) open.invokeExact(ARCH_X86, MODE_64, out) != 0) {
                return Optional.empty();
            }
            return Optional.of(new NativeBackend(symbols, out.get(ADDRESS, 0)));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public Output assemble(String text, long address) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment code = scratch.allocate(ADDRESS);
            MemorySegment size = scratch.allocate(JAVA_LONG);
            MemorySegment count = scratch.allocate(JAVA_LONG);
            if ((int) assemble.invokeExact(engine, scratch.allocateFrom(text), address, code, size, count) != 0) {
                return new Output.Error(errorText());
            }
            MemorySegment bytes = code.get(ADDRESS, 0);
            byte[] result = bytes.reinterpret(size.get(JAVA_LONG, 0)).toArray(JAVA_BYTE);
            link(symbols, "ks_free", FunctionDescriptor.ofVoid(ADDRESS)).invokeExact(bytes);
            return new Output.Code(result);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    private String errorText() throws Throwable {
        int error = (int) link(symbols, "ks_errno", FunctionDescriptor.of(JAVA_INT, ADDRESS))
                .invokeExact(engine);
        MemorySegment text = (MemorySegment) link(symbols, "ks_strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT))
                .invokeExact(error);
        return text.reinterpret(256).getString(0);
    }

    private static MethodHandle link(SymbolLookup symbols, String name, FunctionDescriptor shape) {
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), shape);
    }

    private static AssertionError unexpected(Throwable thrown) {
        return new AssertionError("a native call threw", thrown);
    }

    @Override
    public String description() {
        return "installed libkeystone";
    }

    @Override
    public void close() {
        try {
            int ignored = (int) link(symbols, "ks_close", FunctionDescriptor.of(JAVA_INT, ADDRESS))
                    .invokeExact(engine);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }
}
