package graft.cli.policy;

import graft.attach.RuntimeFolder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A policy that another graft process applies, and what it says about itself.
 *
 * @param socket where it answers
 * @param applier the process
 * @param targets process ids, separated by commas
 * @param rules in the policy's order, then the default
 */
public record RunningPolicy(Path socket, String name, long applier, Mode mode, String targets, List<RuleState> rules) {
    /** The first line of an answer; the reason is the second. */
    static final String BLOCKED = "blocked";

    public RunningPolicy {
        rules = List.copyOf(rules);
    }

    /** A rule and its counters. */
    public record RuleState(String name, String action, PolicyMaps.Counts counts) {}

    /** What became of a wish. */
    public sealed interface Switching {
        /** It is in the other mode now. */
        record Switched(Mode before) implements Switching {}

        /** It has never been in the mode monitor. */
        record NotRehearsed() implements Switching {}

        /** It stays off: something else has patched a place of one of its processes meanwhile. */
        record Blocked(String reason) implements Switching {}

        /** It has ended. */
        record Gone() implements Switching {}
    }

    /** A new policy's socket. */
    public static Path socketOf(Policy policy) {
        Path folder = RuntimeFolder.path();
        try {
            RuntimeFolder.create(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("making " + folder, e);
        }
        return folder.resolve(ProcessHandle.current().pid() + "-" + policy.name() + PolicyControl.SUFFIX);
    }

    /** Those of this user. */
    public static List<RunningPolicy> all() {
        Path folder = RuntimeFolder.path();
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().endsWith(PolicyControl.SUFFIX))
                    .sorted()
                    .map(RunningPolicy::at)
                    .flatMap(Optional::stream)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("reading " + folder, e);
        }
    }

    /** The lines that {@link #at} reads. */
    static List<String> lines(PolicyState state) {
        List<String> lines = new ArrayList<>();
        lines.add(String.join(
                "\t",
                state.policy().name(),
                Long.toString(ProcessHandle.current().pid()),
                state.maps().mode().text(),
                state.targets()));
        List<PolicyMaps.Counts> counts = state.maps().counts(state.policy());
        for (int i = 0; i < counts.size(); i++) {
            boolean isRule = i < state.policy().rules().size();
            lines.add(String.join(
                    "\t",
                    isRule ? state.policy().rules().get(i).name() : "default",
                    isRule
                            ? state.policy().rules().get(i).effect()
                            : state.policy().otherwise().text(),
                    Long.toString(counts.get(i).matched()),
                    Long.toString(counts.get(i).wouldDeny()),
                    Long.toString(counts.get(i).denied())));
        }
        return lines;
    }

    private static Optional<RunningPolicy> at(Path socket) {
        List<String[]> lines = PolicyControl.ask(socket, "show").stream()
                .map(line -> line.split("\t", -1))
                .toList();
        if (lines.isEmpty()) {
            forget(socket);
            return Optional.empty();
        }
        String[] head = lines.getFirst();
        List<RuleState> rules = lines.stream()
                .skip(1)
                .map(words -> new RuleState(
                        words[0],
                        words[1],
                        new PolicyMaps.Counts(
                                Long.parseLong(words[2]), Long.parseLong(words[3]), Long.parseLong(words[4]))))
                .toList();
        return Optional.of(new RunningPolicy(
                socket, head[0], Long.parseLong(head[1]), Mode.of(head[2]).orElse(Mode.OFF), head[3], rules));
    }

    /** A process that was killed leaves its socket behind. */
    private static void forget(Path socket) {
        String applier = socket.getFileName().toString().replaceFirst("-.*", "");
        boolean lives = applier.matches("[0-9]{1,18}")
                && ProcessHandle.of(Long.parseLong(applier)).isPresent();
        if (!lives) {
            try {
                Files.deleteIfExists(socket);
            } catch (IOException e) {
                throw new UncheckedIOException("removing " + socket, e);
            }
        }
    }

    /**
     * Sets the mode.
     *
     * @param words {@code yes}: even without a rehearsal
     */
    public Switching set(Mode to, String... words) {
        List<String> asked = new ArrayList<>(List.of("mode", to.text()));
        asked.addAll(Arrays.asList(words));
        List<String> answer = PolicyControl.ask(socket, String.join(" ", asked));
        if (answer.isEmpty()) {
            return new Switching.Gone();
        }
        if (answer.size() > 1 && answer.getFirst().equals(BLOCKED)) {
            return new Switching.Blocked(answer.getLast());
        }
        return Mode.of(answer.getFirst())
                .<Switching>map(Switching.Switched::new)
                .orElseGet(Switching.NotRehearsed::new);
    }
}
