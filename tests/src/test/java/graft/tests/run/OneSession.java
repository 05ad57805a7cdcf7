package graft.tests.run;

import graft.attach.Attacher;
import graft.cli.bench.SessionRunner;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.tests.command.Sessions;
import java.util.function.Function;

/** Opens sessions for suites that measure. */
final class OneSession implements SessionRunner {
    @Override
    public <T> T during(SessionRequest request, Function<Session, T> work) {
        try (Session session = Sessions.open(request, new Attacher())) {
            T result = work.apply(session);
            session.detach();
            return result;
        }
    }
}
