package graft.cli.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Map;

/**
 * One copy of each body that a server moves, and nothing else ({@code bench-floor.so.c}): no capture can cost less. Switched in
 * memory that is shared with the server's processes, in which it is preloaded.
 */
final class CopyFloor implements AutoCloseable {
    private static final int PAGE = 4096;
    private static final int WORKERS = 31;
    private static final int WORKER_BYTES = 128;
    private static final int SIZE = 0;

    private final BenchTargetFile library;
    private final Path file;
    private final ByteBuffer page;

    private CopyFloor(BenchTargetFile library, Path file, ByteBuffer page) {
        this.library = library;
        this.file = file;
        this.page = page;
    }

    /** Where bodies are copied to. */
    enum To {
        /** As much memory as the capture's ring has. */
        RING(16 << 20),
        /** A part of what the processor's second-level cache holds, as if a reader were never late. */
        CACHE(256 << 10);

        private final int bytes;

        To(int bytes) {
            this.bytes = bytes;
        }

        /** As printed. */
        String word() {
            return "to-" + name().toLowerCase(Locale.ROOT);
        }
    }

    /** Switched off. */
    static CopyFloor create() {
        BenchTargetFile library = BenchTargetFile.extract("bench-floor.so");
        try {
            Path file = Files.createTempFile(
                    "graft-bench-floor-",
                    "",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                ByteBuffer page = channel.map(FileChannel.MapMode.READ_WRITE, 0, PAGE);
                return new CopyFloor(library, file, page.order(ByteOrder.nativeOrder()));
            }
        } catch (IOException e) {
            library.close();
            throw new UncheckedIOException("making the page that switches the copying", e);
        }
    }

    /** What the server has to be started with. */
    Map<String, String> environment() {
        return Map.of("LD_PRELOAD", library.path().toString(), "GRAFT_FLOOR", file.toString());
    }

    void on(To to) {
        page.putLong(SIZE, to.bytes);
    }

    void off() {
        page.putLong(SIZE, 0);
    }

    /** Bodies copied so far. */
    long calls() {
        return sum(0);
    }

    /** Their bytes. */
    long bytes() {
        return sum(Long.BYTES);
    }

    private long sum(int member) {
        long sum = 0;
        for (int worker = 1; worker <= WORKERS; worker++) {
            sum += page.getLong(worker * WORKER_BYTES + member);
        }
        return sum;
    }

    @Override
    public void close() {
        try (library) {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + file, e);
        }
    }
}
