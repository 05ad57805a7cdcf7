package graft.platform.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Facts about this machine that do not change while it runs. */
public final class Sysconf {
    private static final Path POSSIBLE = Path.of("/sys/devices/system/cpu/possible");

    private Sysconf() {}

    /** Bytes of a page. */
    public static int pageSize() {
        return PageSize.BYTES;
    }

    /** {@code size} rounded up to whole pages. */
    public static long wholePages(long size) {
        long mask = pageSize() - 1L;
        return (size + mask) & ~mask;
    }

    /** CPUs that could ever come online: the number of values of a per-CPU map entry. */
    public static int possibleCpus() {
        return PossibleCpus.COUNT;
    }

    /** One more than the highest number in a list such as {@code "0-3,8"}. */
    static int highestPlusOne(String cpuList) {
        String last = cpuList.strip();
        last = last.substring(Math.max(last.lastIndexOf(','), last.lastIndexOf('-')) + 1);
        return Integer.parseInt(last) + 1;
    }

    private static final class PageSize {
        // AT_PAGESZ, which the C library keeps.
        static final int BYTES = Unistd.pageSize();
    }

    private static final class PossibleCpus {
        static final int COUNT = read();

        private static int read() {
            try {
                return highestPlusOne(Files.readString(POSSIBLE));
            } catch (IOException failed) {
                throw new UncheckedIOException("reading " + POSSIBLE, failed);
            }
        }
    }
}
