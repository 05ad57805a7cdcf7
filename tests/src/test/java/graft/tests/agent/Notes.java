package graft.tests.agent;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What workers of {@code agent-work.c} did, up to the moment when they were killed. Worker 0 is nobody; its first word stops
 * the others.
 */
final class Notes implements AutoCloseable {
    private static final int WORDS = 1 << 22;
    private static final int LOG = 5;

    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private final Path file;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    Notes(Path folder, int workers) throws IOException {
        this.file = Files.createTempFile(folder, "notes", "");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            long bytes = (workers + 1L) * WORDS * Long.BYTES;
            this.memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
        }
    }

    Path file() {
        return file;
    }

    void stop() {
        WORD.setRelease(memory, 0L, 1L);
    }

    /** Lets races run, each once. */
    void startRound(long round) {
        WORD.setRelease(memory, (long) Long.BYTES, round);
    }

    private long word(int worker, int index) {
        return (long) WORD.getAcquire(memory, ((long) worker * WORDS + index) * Long.BYTES);
    }

    long begun(int worker) {
        return word(worker, 0);
    }

    long done(int worker) {
        return word(worker, 1);
    }

    long refused(int worker) {
        return word(worker, 2);
    }

    int logged(int worker) {
        return Math.toIntExact(word(worker, 3));
    }

    long wrong(int worker) {
        return word(worker, 4);
    }

    long log(int worker, int index) {
        return word(worker, LOG + index);
    }

    /** Operations that were begun and whose result is not known: 1 for a worker that was killed in one. */
    long open(int worker) {
        return begun(worker) - done(worker) - refused(worker);
    }

    @Override
    public void close() throws IOException {
        arena.close();
        Files.delete(file);
    }
}
