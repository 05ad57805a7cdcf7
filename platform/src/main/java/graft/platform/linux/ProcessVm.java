package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.address.RemoteAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code process_vm_readv(2)} and {@code process_vm_writev(2)} with one range each; allocates nothing per call. */
public final class ProcessVm {
    private static final ThreadLocal<MemorySegment> IOVECS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(32, 8));

    private ProcessVm() {}

    /**
     * Reads into all of {@code local}.
     *
     * @return bytes read, which is less than asked when the range ends in unmapped memory, or a negative errno
     */
    public static long read(int pid, RemoteAddress from, MemorySegment local) {
        return transfer(Syscall.PROCESS_VM_READV, pid, from, local);
    }

    /** Writes all of {@code local}; the pages must be writable. @return bytes written, or a negative errno */
    public static long write(int pid, RemoteAddress to, MemorySegment local) {
        return transfer(Syscall.PROCESS_VM_WRITEV, pid, to, local);
    }

    private static long transfer(Syscall call, int pid, RemoteAddress remote, MemorySegment local) {
        MemorySegment vectors = IOVECS.get();
        vectors.set(JAVA_LONG, 0, local.address());
        vectors.set(JAVA_LONG, 8, local.byteSize());
        vectors.set(JAVA_LONG, 16, remote.value());
        vectors.set(JAVA_LONG, 24, local.byteSize());
        return call.raw(pid, vectors.address(), 1, vectors.address() + 16, 1, 0);
    }
}
