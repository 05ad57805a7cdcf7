package graft.cli;

import graft.attach.Spawn;
import graft.cli.error.Problem;
import graft.daemon.ProgramStart;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/** {@code graft run FILE -- CMD}: attaches before {@code main} or before anything else; the exit code is the command's. */
final class StartedCommand {
    private StartedCommand() {}

    /** Where a program waits to be attached to. */
    enum From {
        /** Before anything of it runs, its loader included. */
        ENTRY,
        /** Before its {@code main}; a static program at its entry, too. */
        MAIN
    }

    /** @param opener attaches to the process that was started, before it runs */
    static int run(IntFunction<LiveSession> opener, From from, List<String> command, MapReporter reporter) {
        Path executable = ProgramStart.find(command.getFirst())
                .orElseThrow(() -> Problem.of("U005", "cannot start " + command.getFirst())
                        .because("there is no such program in PATH")
                        .failure());
        return from == From.MAIN && ProgramStart.isDynamic(executable)
                ? runDynamic(opener, executable, command, reporter)
                : runFromEntry(opener, executable, command, reporter);
    }

    /** The program is held at its first instruction. */
    private static int runFromEntry(
            IntFunction<LiveSession> opener, Path executable, List<String> command, MapReporter reporter) {
        List<String> words = new ArrayList<>(command);
        words.set(0, executable.toString());
        List<LiveSession> opened = new ArrayList<>();
        try {
            Spawn.Started started = new Spawn(words, System.getenv(), Optional.empty()).heldAtEntry(pid -> {
                opened.add(opener.apply(pid));
                reporter.opened(opened.getFirst());
            });
            return switch (started) {
                case Spawn.Started.NotStarted(var reason, var exitCode) ->
                    throw Problem.of("U005", "cannot start " + executable)
                            .because(reason)
                            .failure();
                case Spawn.Started.Running(var child) -> {
                    try (child) {
                        int exit = child.awaitExit();
                        reporter.finished(opened.getFirst());
                        yield exit;
                    }
                }
            };
        } finally {
            opened.forEach(LiveSession::close);
        }
    }

    private static int runDynamic(
            IntFunction<LiveSession> opener, Path executable, List<String> command, MapReporter reporter) {
        try (ProgramStart start = ProgramStart.start(executable, command)) {
            if (!start.awaitReady()) {
                return start.awaitExit();
            }
            try (LiveSession live = opener.apply(start.pid())) {
                reporter.opened(live);
                start.release();
                int exit = start.awaitExit();
                reporter.finished(live);
                return exit;
            } catch (RuntimeException failed) {
                start.release();
                throw failed;
            }
        }
    }
}
