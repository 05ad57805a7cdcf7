package graft.cli;

import graft.cli.error.Problem;
import graft.daemon.LinkRequest;
import graft.daemon.ProgramStart;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import java.nio.file.Path;
import java.util.List;

/** {@code graft run FILE -- CMD}: attaches before the first instruction of {@code main}; the exit code is the command's. */
final class StartedCommand {
    private StartedCommand() {}

    static int run(CollectionSpec object, List<LinkRequest> links, List<String> command, MapReporter reporter) {
        Path executable = ProgramStart.find(command.getFirst())
                .orElseThrow(() -> Problem.of("U005", "cannot start " + command.getFirst())
                        .because("there is no such program in PATH")
                        .failure());
        if (!ProgramStart.isDynamic(executable)) {
            throw Problem.of("U005", "cannot start " + executable + " under graft")
                    .because("it is statically linked, and has no loader that could hold it before main")
                    .remedy("start it, then graft run ... -p PID")
                    .failure();
        }
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
