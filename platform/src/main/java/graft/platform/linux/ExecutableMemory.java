package graft.platform.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Code that runs in this process, called as a function: one memfd, mapped executable for calls and
 * writable for filling, never both at once. There can be data that the code writes, directly below the code. Owns all
 * mappings. Code that faults takes the whole process with it.
 */
public final class ExecutableMemory implements AutoCloseable {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final FunctionDescriptor PROGRAM =
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);

    private final SharedRegion writable;
    private final long base;
    private final long dataSize;
    private boolean open = true;

    private ExecutableMemory(SharedRegion writable, long base, long dataSize) {
        this.writable = writable;
        this.base = base;
        this.dataSize = dataSize;
    }

    /** Memory for {@code size} bytes of code. */
    public static ExecutableMemory allocate(long size) {
        return allocate(0, size);
    }

    /** Memory for {@code dataSize} bytes of data, whole pages, and above it {@code size} bytes of code. */
    public static ExecutableMemory allocate(long dataSize, long size) {
        long all = dataSize + size;
        try (NativeFd fd = Mman.sealedMemfd("graft-code", all, Mman.MFD_EXEC)) {
            SharedRegion writable = SharedRegion.map(fd, all, SharedRegion.Access.READ_WRITE);
            try {
                long base = Mman.mmap(all, Mman.PROT_READ | Mman.PROT_EXEC, Mman.MAP_SHARED, fd, 0);
                ExecutableMemory memory = new ExecutableMemory(writable, base, dataSize);
                memory.makeDataWritable();
                return memory;
            } catch (SysException failed) {
                writable.close();
                throw failed;
            }
        }
    }

    private void makeDataWritable() {
        if (dataSize > 0) {
            Syscall.MPROTECT.call("making data writable", base, dataSize, Mman.PROT_READ | Mman.PROT_WRITE);
        }
    }

    /** Where the code runs. */
    public long address() {
        return base + dataSize;
    }

    /** The data, borrowed: valid until {@link #close}. Code finds its first byte at {@code address() - dataSize}. */
    public MemorySegment data() {
        return writable.segment().asSlice(0, dataSize);
    }

    /** Puts code at {@code offset}. */
    public void write(long offset, byte[] code) {
        MemorySegment.copy(code, 0, writable.segment(), ValueLayout.JAVA_BYTE, dataSize + offset, code.length);
    }

    /** The function {@code long f(long)} at {@code offset}; it takes and returns one 64-bit value. */
    public MethodHandle function(long offset) {
        return LINKER.downcallHandle(MemorySegment.ofAddress(address() + offset), PROGRAM);
    }

    /** Unmaps. Safe to call twice. */
    @Override
    public void close() {
        if (open) {
            open = false;
            Mman.munmap(base, writable.size());
            writable.close();
        }
    }
}
