package graft.platform.linux;

import java.util.Optional;

/**
 * {@code /dev/zero}. Mapped privately it is memory like any without a file, but for its name in {@code /proc/PID/maps} and its
 * inode there, by which it is known again.
 */
public final class ZeroFile {
    /** Opened at the first use, for the rest of this process's life. */
    private static Optional<NativeFd> opened = Optional.empty();

    private ZeroFile() {}

    /**
     * The open file, borrowed: it stays open. Empty where there is none.
     *
     * @throws SysException when it cannot be opened for another reason
     */
    public static synchronized Optional<NativeFd> fd() {
        if (opened.isEmpty()) {
            try {
                opened = Optional.of(Unistd.open("/dev/zero", 0));
            } catch (SysException failed) {
                if (failed.errno() != Errno.ENOENT) {
                    throw failed;
                }
            }
        }
        return opened;
    }
}
