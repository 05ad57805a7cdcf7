package graft.cli.policy;

import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/** A policy while it is applied, and what others may ask of it. May be used by any thread. */
public final class PolicyState {
    private final Session session;
    private final Policy policy;
    private final PolicyMaps maps;
    private final String targets;
    private final AtomicBoolean isRehearsed = new AtomicBoolean();

    /** Borrows the session. */
    public PolicyState(Session session, Policy policy, PolicyMaps maps) {
        this.session = session;
        this.policy = policy;
        this.maps = maps;
        this.targets = session.pids().stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    Policy policy() {
        return policy;
    }

    PolicyMaps maps() {
        return maps;
    }

    String targets() {
        return targets;
    }

    /**
     * Sets the mode. Where it is off, the processes have their own text.
     *
     * @return the process whose text cannot be patched again; then the mode stays off
     */
    public synchronized Optional<SessionRefusal.TargetRefused> set(Mode mode) {
        if (mode == Mode.OFF) {
            maps.set(Mode.OFF);
            session.switchOff(); // where that is refused no program runs either
            return Optional.empty();
        }
        List<SessionRefusal.TargetRefused> refused = session.switchOn();
        if (!refused.isEmpty()) {
            session.switchOff();
            return Optional.of(refused.getFirst());
        }
        if (mode == Mode.MONITOR) {
            isRehearsed.set(true);
        }
        maps.set(mode);
        return Optional.empty();
    }

    /** What {@link RunningPolicy} asks: {@code show}, or {@code mode enforce}, with {@code yes} behind it. */
    public List<String> answer(String line) {
        List<String> words = List.of(line.split(" "));
        if (!words.getFirst().equals("mode") || words.size() < 2) {
            return RunningPolicy.lines(this);
        }
        Optional<Mode> wanted = Mode.of(words.get(1));
        boolean isDaring = wanted.filter(Mode.ENFORCE::equals).isPresent() && !isRehearsed.get();
        if (wanted.isEmpty() || isDaring && !words.contains("yes")) {
            return List.of("refused");
        }
        Mode before = maps.mode();
        return set(wanted.get())
                .map(why -> List.of(
                        RunningPolicy.BLOCKED,
                        "process " + why.pid() + ": " + why.refusal().reason()))
                .orElse(List.of(before.text()));
    }
}
