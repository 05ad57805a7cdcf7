package graft.platform.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Generated code that runs in this process, for tests and benchmarks: one memfd, mapped executable for calls and
 * writable for filling, never both at once. Owns both mappings. Code that faults takes the whole process with it.
 */
public final class ExecutableMemory implements AutoCloseable {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final FunctionDescriptor PROGRAM =
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);

    private final SharedRegion writable;
    private final long address;
    private boolean open = true;

    private ExecutableMemory(SharedRegion writable, long address) {
        this.writable = writable;
        this.address = address;
    }

    /** Memory for {@code size} bytes of code. */
    public static ExecutableMemory allocate(long size) {
        try (NativeFd fd = Mman.sealedMemfd("graft-code", size, Mman.MFD_EXEC)) {
            SharedRegion writable = SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE);
            try {
                long address = Mman.mmap(size, Mman.PROT_READ | Mman.PROT_EXEC, Mman.MAP_SHARED, fd, 0);
                return new ExecutableMemory(writable, address);
            } catch (SysException failed) {
                writable.close();
                throw failed;
            }
        }
    }

    /** Where the code runs. */
    public long address() {
        return address;
    }

    /** Puts code at {@code offset}. */
    public void write(long offset, byte[] code) {
        MemorySegment.copy(code, 0, writable.segment(), ValueLayout.JAVA_BYTE, offset, code.length);
    }

    /** The function {@code long f(long)} at {@code offset}; it takes and returns one 64-bit value. */
    public MethodHandle function(long offset) {
        return LINKER.downcallHandle(MemorySegment.ofAddress(address + offset), PROGRAM);
    }

    /** Unmaps. Safe to call twice. */
    @Override
    public void close() {
        if (open) {
            open = false;
            Mman.munmap(address, writable.size());
            writable.close();
        }
    }
}
