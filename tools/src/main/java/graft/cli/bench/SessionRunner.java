package graft.cli.bench;

import graft.daemon.Session;
import graft.daemon.SessionRequest;
import java.util.function.Function;

/** Opens sessions for a suite; fails with a message for people when one is refused. */
@FunctionalInterface
public interface SessionRunner {
    /** Does {@code work} while the session is open. Undone afterwards in any case, also on Ctrl-C. */
    <T> T during(SessionRequest request, Function<Session, T> work);
}
