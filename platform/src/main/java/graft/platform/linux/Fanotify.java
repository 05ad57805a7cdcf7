package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * {@code sys/fanotify.h}: hears of writes to files of one file system, by whoever makes them through whatever mount. Owns its
 * descriptor. One thread at a time.
 */
public final class Fanotify implements AutoCloseable {
    private static final int CLOEXEC_NONBLOCKING = 3;
    private static final int O_CLOEXEC = 0x80000;
    private static final int MARK_ADD_FILESYSTEM = 0x101;
    private static final long MODIFY = 2;
    private static final int AT_FDCWD = -100;
    private static final int BUFFER = 4096;
    private static final int EVENT_BYTES = 24;
    private static final int FD_AT = 16;

    private final NativeFd fd;

    private Fanotify(NativeFd fd) {
        this.fd = fd;
    }

    /** For the file system that {@code inside} is in; nothing when the kernel does not allow that (it needs CAP_SYS_ADMIN). */
    public static Optional<Fanotify> ofWrites(Path inside) {
        long number = Syscall.FANOTIFY_INIT.raw(CLOEXEC_NONBLOCKING, O_CLOEXEC, 0, 0, 0, 0);
        if (number < 0) {
            return Optional.empty();
        }
        NativeFd fd = new NativeFd((int) number, "fanotify");
        try (Arena arena = Arena.ofConfined()) {
            long path = arena.allocateFrom(inside.toString()).address();
            long result = Syscall.FANOTIFY_MARK.raw(number, MARK_ADD_FILESYSTEM, MODIFY, AT_FDCWD, path, 0);
            if (result < 0) {
                fd.close();
                return Optional.empty();
            }
        }
        return Optional.of(new Fanotify(fd));
    }

    /**
     * Waits for writes, at most for {@code limit}, and takes what has been heard of.
     *
     * @return whether there was one to a file with one of the names, or more than the kernel remembers
     */
    public boolean await(Duration limit, Set<String> names) {
        boolean heard = false;
        if (Poll.readable(fd, limit) == Poll.Wait.READY) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment events = arena.allocate(BUFFER, 8);
                for (long bytes = read(events); bytes > 0; bytes = read(events)) {
                    heard |= taken(events.asSlice(0, bytes), names);
                }
            }
        }
        return heard;
    }

    private long read(MemorySegment events) {
        return Syscall.READ.raw(fd.number(), events.address(), events.byteSize(), 0, 0, 0);
    }

    /** Each event comes with a descriptor of its file; with none when the kernel has forgotten some. */
    private static boolean taken(MemorySegment events, Set<String> names) {
        boolean heard = false;
        int length;
        for (long at = 0; at + EVENT_BYTES <= events.byteSize(); at += length) {
            length = Math.max(events.get(JAVA_INT, at), EVENT_BYTES);
            int file = events.get(JAVA_INT, at + FD_AT);
            if (file < 0) {
                heard = true;
                continue;
            }
            heard |= names.contains(name(file));
            Unistd.close(file);
        }
        return heard;
    }

    private static String name(int file) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(file)))
                    .getFileName()
                    .toString();
        } catch (IOException unknown) {
            return "";
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
