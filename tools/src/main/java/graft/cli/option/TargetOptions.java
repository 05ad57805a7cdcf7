package graft.cli.option;

import graft.cli.error.Problem;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What every command that attaches asks for besides its own: processes and time. */
public final class TargetOptions extends OutputOptions {
    @Option(
            names = {"-p", "--pid"},
            paramLabel = "PID",
            split = ",",
            description = "a process to attach to; may be repeated")
    private List<Integer> pids = new ArrayList<>();

    @Option(
            names = {"-d", "--for"},
            paramLabel = "TIME",
            description = "how long: 10s, 500ms, 2m; default: until Ctrl-C or the process ends")
    private Optional<String> duration = Optional.empty();

    @Option(
            names = {"-f", "--follow"},
            description = "trace the processes that they fork, too, until these start another program")
    private boolean follow;

    /** For picocli. */
    public TargetOptions() {}

    /** The processes. */
    public List<Integer> pids() {
        return List.copyOf(pids);
    }

    /** The processes, or a usage error when there are none. A bad duration is told here too: before anything is touched. */
    public List<Integer> requiredPids(String command) {
        duration();
        if (pids.isEmpty()) {
            throw Problem.of("U001", "graft " + command + ": no process given")
                    .because("it attaches to running processes")
                    .remedy("graft " + command + " ... -p PID")
                    .failure();
        }
        return pids();
    }

    /** What is to become of processes that they fork. */
    public ForkedChildren children() {
        return follow ? ForkedChildren.FOLLOWED : ForkedChildren.LEFT;
    }

    /** How long; nothing means until the end. */
    public Optional<Duration> duration() {
        return duration.map(TargetOptions::parse);
    }

    /** A time as people type it. */
    public static Duration parse(String text) {
        String unit = text.replaceFirst("^[0-9]+", "");
        String digits = text.substring(0, text.length() - unit.length());
        if (digits.isEmpty() || digits.length() > 9) {
            throw badDuration(text);
        }
        long amount = Long.parseLong(digits);
        return switch (unit) {
            case "ms" -> Duration.ofMillis(amount);
            case "s", "" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> throw badDuration(text);
        };
    }

    private static RuntimeException badDuration(String text) {
        return Problem.of("U001", "\"" + text + "\" is not a time")
                .because("a time is a number and a unit: ms, s, m or h")
                .remedy("-d 10s")
                .failure();
    }
}
