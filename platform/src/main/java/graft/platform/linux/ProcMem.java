package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import graft.platform.address.RemoteAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * {@code /proc/PID/mem}: reads and writes another process's memory whatever its page protection says; a write to private
 * read-only text makes a private copy of the page and leaves the mapping as it is. Owns its descriptor, which stays bound
 * to the address space that the process had when it was opened.
 */
public final class ProcMem implements AutoCloseable {
    private static final int O_RDWR = 2;

    private final int pid;
    private final NativeFd fd;

    private ProcMem(int pid, NativeFd fd) {
        this.pid = pid;
        this.fd = fd;
    }

    /** Opens the memory of {@code pid} for reading and writing. */
    public static ProcMem open(int pid) {
        String path = "/proc/" + pid + "/mem";
        return new ProcMem(pid, Unistd.open(path, O_RDWR));
    }

    /** The descriptor, borrowed until {@link #close}. */
    public int descriptor() {
        return fd.number();
    }

    /**
     * Takes the lock on this process's memory for {@link #close} to give back, without waiting.
     *
     * @return whether no other opening of it has the lock
     */
    public boolean tryLock() {
        return Unistd.tryLock(fd);
    }

    /** Fills {@code local} from {@code from}. @return bytes read, or a negative errno */
    public long read(RemoteAddress from, MemorySegment local) {
        return transfer(Syscall.PREAD64, from, local);
    }

    /** Writes {@code local} with one {@code pwrite}. @return bytes written, or a negative errno */
    public long write(RemoteAddress to, MemorySegment local) {
        return transfer(Syscall.PWRITE64, to, local);
    }

    /** Reads exactly {@code length} bytes. */
    public byte[] readBytes(RemoteAddress from, int length) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(Math.max(1, length));
            check(read(from, buffer.asSlice(0, length)), length, "pread", "reading", from);
            byte[] bytes = new byte[length];
            MemorySegment.copy(buffer, JAVA_BYTE, 0, bytes, 0, length);
            return bytes;
        }
    }

    /** Writes all of {@code bytes} with one {@code pwrite}. */
    public void writeBytes(RemoteAddress to, byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocateFrom(JAVA_BYTE, bytes);
            check(write(to, buffer), bytes.length, "pwrite", "writing", to);
        }
    }

    private void check(long done, int length, String call, String doing, RemoteAddress where) {
        if (done != length) {
            int errno = done < 0 ? (int) -done : Errno.EIO;
            throw new SysException(call, errno, doing + " " + length + " bytes at " + where + " of process " + pid);
        }
    }

    private long transfer(Syscall call, RemoteAddress remote, MemorySegment local) {
        return call.raw(fd.number(), local.address(), local.byteSize(), remote.value(), 0, 0);
    }

    @Override
    public void close() {
        fd.close();
    }
}
