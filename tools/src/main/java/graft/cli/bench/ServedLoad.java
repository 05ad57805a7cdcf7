package graft.cli.bench;

import graft.cli.load.LoadResult;
import graft.cli.load.WrkLoad;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One load that goes on while tracers come and go, looked at in windows: new connections, cold caches and what else a run
 * of its own brings with it are in none of them. Requests are counted by the bytes that the workers write.
 */
final class ServedLoad implements AutoCloseable {
    private static final Pattern WRITTEN = Pattern.compile("(?m)^wchar: (\\d+)$");

    private final List<Integer> workers;
    private final WrkLoad load;
    private final Duration length;
    private final double bytesPerRequest;

    /**
     * Begins the load.
     *
     * @param length of a window
     * @param bytesPerRequest what a worker writes for one request
     */
    ServedLoad(List<Integer> workers, URI url, WrkLoad.Shape shape, Duration length, double bytesPerRequest) {
        this.workers = workers;
        this.load = WrkLoad.start(url, shape);
        this.length = length;
        this.bytesPerRequest = bytesPerRequest;
    }

    /** What the workers have written so far, in bytes. */
    static long written(List<Integer> workers) {
        return workers.stream().mapToLong(ServedLoad::written).sum();
    }

    private static long written(int pid) {
        Path file = Path.of("/proc/" + pid + "/io");
        try {
            Matcher line = WRITTEN.matcher(Files.readString(file));
            if (!line.find()) {
                throw new IllegalStateException(file + " has no line wchar");
            }
            return Long.parseLong(line.group(1));
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + file, e);
        }
    }

    /** Waits for the length of a window. @return what was served meanwhile; failed requests show at the end only */
    LoadResult window() {
        return window(length);
    }

    /** The same for a part of a window. */
    LoadResult part(int parts) {
        return window(length.dividedBy(parts));
    }

    private LoadResult window(Duration length) {
        long from = written(workers);
        long begin = System.nanoTime();
        try {
            Thread.sleep(length);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while requests were counted", e);
        }
        double requests = (written(workers) - from) / bytesPerRequest;
        double seconds = (System.nanoTime() - begin) / 1e9;
        return new LoadResult(Math.round(requests), requests / seconds, 0, 0);
    }

    /** Ends the load. @return requests without a proper answer, over all windows */
    long failed() {
        LoadResult all = load.stop();
        return all.badStatus() + all.socketErrors();
    }

    @Override
    public void close() {
        load.close();
    }
}
