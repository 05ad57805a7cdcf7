package graft.cli.bench;

import graft.daemon.ProgramStart;
import graft.platform.proc.ProcessStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What system calls take under strace, for scale: all of them, and with a filter that lets others pass. None without strace. */
final class StracedCalls {
    private static final String STRACE = "strace";
    private static final int ROUNDS = 5;

    /** A call takes some hundred times as long. */
    private static final long FEWER = 200;

    private final Path executable;
    private final long calls;

    StracedCalls(Path executable, long calls) {
        this.executable = executable;
        this.calls = Math.max(1, calls / FEWER);
    }

    /** Rows for calls that are not traced, and for those that are. */
    List<BenchRow> run(List<String> rows) {
        List<BenchRow> all = new ArrayList<>();
        if (ProgramStart.find(STRACE).isEmpty()) {
            return all;
        }
        try (BenchTarget target = BenchTarget.start(executable)) {
            Map<String, Samples> plain = target.measure(ROUNDS, calls, rows);
            Map<String, Samples> straced = attached(target, rows);
            all.add(row("strace-f", straced.get(rows.getLast()), plain.get(rows.getLast())));
            all.addAll(filtered(rows, plain));
        }
        return all;
    }

    private Map<String, Samples> attached(BenchTarget target, List<String> rows) {
        Process strace = strace("-p", Integer.toString(target.pid()));
        try {
            while (strace.isAlive()
                    && ProcessStatus.find(target.pid())
                            .map(status -> status.tracer() == 0)
                            .orElse(false)) {
                Thread.onSpinWait();
            }
            return target.measure(ROUNDS, calls, rows);
        } finally {
            strace.destroy();
            strace.onExit().join();
        }
    }

    private static Process strace(String... more) {
        List<String> command = new ArrayList<>(List.of(STRACE, "-f", "-qq", "-o", "/dev/null"));
        command.addAll(List.of(more));
        try {
            return new ProcessBuilder(command).inheritIO().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<BenchRow> filtered(List<String> rows, Map<String, Samples> plain) {
        List<String> wrapper = List.of(STRACE, "-f", "-qq", "-o", "/dev/null", "--seccomp-bpf", "-e", "trace=geteuid");
        try (BenchTarget target = BenchTarget.start(wrapper, executable)) {
            Map<String, Samples> measured = target.measure(ROUNDS, calls, rows);
            return List.of(
                    row("seccomp-not-traced", measured.get(rows.getFirst()), plain.get(rows.getFirst())),
                    row("seccomp-traced", measured.get(rows.getLast()), plain.get(rows.getLast())));
        }
    }

    private static BenchRow row(String name, Samples samples, Samples plain) {
        return new BenchRow("syscall", name, BenchRow.Who.STRACE, "ns", samples, samples.median() - plain.median());
    }
}
