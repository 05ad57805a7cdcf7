package graft.cli.policy;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** A policy while it is applied, and what others may ask of it. May be used by any thread. */
public final class PolicyState {
    private final Policy policy;
    private final PolicyMaps maps;
    private final String targets;
    private final AtomicBoolean isRehearsed = new AtomicBoolean();

    /** @param targets process ids, separated by commas */
    public PolicyState(Policy policy, PolicyMaps maps, String targets) {
        this.policy = policy;
        this.maps = maps;
        this.targets = targets;
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

    /** Sets the mode. */
    public void set(Mode mode) {
        if (mode == Mode.MONITOR) {
            isRehearsed.set(true);
        }
        maps.set(mode);
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
        set(wanted.get());
        return List.of(before.text());
    }
}
