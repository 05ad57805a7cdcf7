package graft.cli;

import graft.attach.Spawn;
import graft.cli.error.Problem;
import graft.daemon.LinkRequest;
import graft.daemon.ProgramStart;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code graft run FILE -- CMD}: attaches before the first instruction of {@code main}; the exit code is the command's. */
final class StartedCommand {
    private StartedCommand() {}

    static int run(CollectionSpec object, List<LinkRequest> links, List<String> command, MapReporter reporter) {
        Path executable = ProgramStart.find(command.getFirst())
                .orElseThrow(() -> Problem.of("U005", "cannot start " + command.getFirst())
                        .because("there is no such program in PATH")
                        .failure());
        return ProgramStart.isDynamic(executable)
                ? runDynamic(object, links, executable, command, reporter)
                : runStatic(object, links, executable, command, reporter);
    }

    /** Without a loader that could hold it, the program is held at its first instruction. */
    private static int runStatic(
            CollectionSpec object,
            List<LinkRequest> links,
            Path executable,
            List<String> command,
            MapReporter reporter) {
        List<String> words = new ArrayList<>(command);
        words.set(0, executable.toString());
        List<LiveSession> opened = new ArrayList<>();
        try {
            Spawn.Started started = new Spawn(words, System.getenv(), Optional.empty())
                    .heldAtEntry(pid -> opened.add(LiveSession.open(new SessionRequest(object, links, List.of(pid)))));
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
            CollectionSpec object,
            List<LinkRequest> links,
            Path executable,
            List<String> command,
            MapReporter reporter) {
        try (ProgramStart start = ProgramStart.start(executable, command)) {
            if (!start.awaitReady()) {
                return start.awaitExit();
            }
            SessionRequest request = new SessionRequest(object, links, List.of(start.pid()));
            try (LiveSession live = LiveSession.open(request)) {
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
