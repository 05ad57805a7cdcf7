package graft.cli.map;

import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.daemon.control.RemoteSession;
import graft.daemon.control.RunningSessions;
import graft.daemon.control.SessionView;
import graft.platform.proc.ProcessStatus;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The sessions that a command can see, and the one of their things that a name means. */
public final class FoundSessions {
    private static final Pattern QUALIFIED = Pattern.compile("([0-9]{1,9}):(.+)");

    private final List<RemoteSession> sessions;

    private FoundSessions(List<RemoteSession> sessions) {
        this.sessions = sessions;
    }

    /** Looks for them; says which do not answer. */
    public static FoundSessions find(PrintWriter err) {
        RunningSessions running = RunningSessions.find();
        running.silent().forEach(graft -> err.printf("graft %d does not answer: is it stopped?%n", graft));
        return new FoundSessions(running.sessions());
    }

    /** By process. */
    public List<RemoteSession> all() {
        return sessions;
    }

    /** One thing of one session. */
    public record Named<T>(RemoteSession session, T thing) {}

    /**
     * The one thing that is called {@code name}, or {@code GRAFT:name} where several sessions have one.
     *
     * @param kind for messages: map, program
     * @param things of a session
     */
    public <T> Named<T> one(
            String kind, String name, Function<SessionView, List<T>> things, Function<T, String> nameOf) {
        Matcher qualified = QUALIFIED.matcher(name);
        Optional<Integer> graft =
                qualified.matches() ? Optional.of(Integer.parseInt(qualified.group(1))) : Optional.empty();
        String wanted = qualified.matches() ? qualified.group(2) : name;
        List<Named<T>> found = new ArrayList<>();
        for (RemoteSession session : sessions) {
            if (graft.isEmpty() || graft.get() == session.view().graft()) {
                things.apply(session.view()).stream()
                        .filter(thing -> nameOf.apply(thing).equals(wanted))
                        .forEach(thing -> found.add(new Named<>(session, thing)));
            }
        }
        if (found.isEmpty()) {
            throw missing(kind, wanted, graft, things, nameOf);
        }
        if (found.size() > 1) {
            throw Problem.of("M004", "several sessions have a " + kind + " " + wanted)
                    .because("they run in the graft processes "
                            + found.stream()
                                    .map(one -> Integer.toString(
                                            one.session().view().graft()))
                                    .distinct()
                                    .collect(Collectors.joining(", ")))
                    .remedy(found.getFirst().session().view().graft() + ":" + wanted)
                    .failure();
        }
        return found.getFirst();
    }

    private <T> CommandFailure missing(
            String kind,
            String wanted,
            Optional<Integer> graft,
            Function<SessionView, List<T>> things,
            Function<T, String> nameOf) {
        graft.ifPresent(FoundSessions::requireOwn);
        Problem problem = Problem.of(
                "M004",
                "no " + kind + " " + wanted
                        + graft.map(pid -> " in graft " + pid).orElse(""));
        List<String> known = sessions.stream()
                .flatMap(session -> things.apply(session.view()).stream()
                        .map(thing -> session.view().graft() + ":" + nameOf.apply(thing)))
                .toList();
        return (known.isEmpty()
                        ? problem.because("no session of this user runs")
                        : problem.because("there are: " + String.join(", ", known)))
                .failure();
    }

    /** Names and texts come from processes and files that nobody vouches for: they must not steer the terminal. */
    public static String printable(String text) {
        return text.codePoints()
                .mapToObj(c -> Character.isISOControl(c) ? "\\x%02x".formatted(c) : Character.toString(c))
                .collect(Collectors.joining());
    }

    private static void requireOwn(int graft) {
        int uid = ProcessStatus.own().effectiveUid();
        Optional<ProcessStatus> other = ProcessStatus.find(graft);
        if (uid != 0 && other.isPresent() && other.get().effectiveUid() != uid) {
            throw Problem.of("D003", "not permitted to look at the session of graft " + graft)
                    .because("the process belongs to uid %d, this one to uid %d"
                            .formatted(other.get().effectiveUid(), uid))
                    .remedy("run it as that user, or as root")
                    .failure();
        }
    }
}
