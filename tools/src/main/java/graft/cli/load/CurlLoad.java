package graft.cli.load;

import java.net.URI;
import java.time.Duration;
import java.util.List;

/** Requests by curl, one after the other: an exact number of them. */
public final class CurlLoad {
    private CurlLoad() {}

    /** Whether requests share a connection. */
    public enum Connections {
        ONE_FOR_ALL,
        ONE_EACH
    }

    /** Asks for {@code url} exactly {@code requests} times. */
    public static LoadResult run(URI url, int requests, Connections connections) {
        List<String> arguments = List.of(
                "--silent",
                "--insecure",
                "--header",
                connections == Connections.ONE_EACH ? "Connection: close" : "Connection: keep-alive",
                "--output",
                "/dev/null",
                "--write-out",
                "%{http_code}\\n",
                url + "?[1-" + requests + "]");
        long began = System.nanoTime();
        List<String> statuses = ToolRun.of(Duration.ofSeconds(60 + requests / 20), "curl", arguments)
                .output()
                .lines()
                .toList();
        double seconds = (System.nanoTime() - began) / 1e9;
        // curl reports 000 when a request got no answer.
        long unanswered = requests
                - statuses.stream().filter(status -> !status.equals("000")).count();
        long bad = statuses.stream()
                .filter(status -> !status.equals("000") && !status.startsWith("2") && !status.startsWith("3"))
                .count();
        return new LoadResult(statuses.size(), statuses.size() / seconds, bad, unanswered);
    }
}
