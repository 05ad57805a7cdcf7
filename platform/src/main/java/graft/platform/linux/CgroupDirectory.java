package graft.platform.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** Directories of control groups, by which bpf(2) names them. */
public final class CgroupDirectory {
    private static final long CGROUP1_MAGIC = 0x27e0eb;
    private static final long CGROUP2_MAGIC = 0x63677270;
    private static final int STATFS_BYTES = 120;

    private CgroupDirectory() {}

    /**
     * The id of the control group of the unified hierarchy (v2) whose directory a descriptor of this process is of: its inode, as
     * {@code bpf_get_current_cgroup_id} gives it. What the kernel answers otherwise: {@code -EBADF} for everything else, {@code
     * -ENOENT} for a group that has been removed.
     */
    public static long idOf(int descriptor) {
        long magic = magic(descriptor);
        Path path = Path.of("/proc/self/fd", Integer.toString(descriptor));
        if (magic != CGROUP1_MAGIC && magic != CGROUP2_MAGIC || !Files.isDirectory(path)) {
            return -Errno.EBADF;
        }
        if (!Files.exists(path.resolve("cgroup.procs"))) {
            return -Errno.ENOENT;
        }
        try {
            return magic == CGROUP1_MAGIC ? -Errno.EBADF : (long) Files.getAttribute(path, "unix:ino");
        } catch (IOException closed) {
            return -Errno.EBADF;
        }
    }

    /**
     * The same of a directory.
     *
     * @throws SysException when it cannot be opened
     */
    public static long idOf(Path directory) {
        try (NativeFd fd = Unistd.openPath(directory.toString())) {
            return idOf(fd.number());
        }
    }

    /** The type of its file system, by {@code fstatfs(2)}; 0 for no descriptor. */
    private static long magic(int descriptor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(STATFS_BYTES, Long.BYTES);
            long result = Syscall.FSTATFS.raw(descriptor, answer.address(), 0, 0, 0, 0);
            return result < 0 ? 0 : answer.get(ValueLayout.JAVA_LONG, 0);
        }
    }
}
