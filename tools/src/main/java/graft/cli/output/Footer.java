package graft.cli.output;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What a session says when it ends.
 *
 * @param links programs at places
 * @param events what was reported; empty for sessions that only fill maps
 * @param printed lines that programs printed; empty when none can
 * @param missed what probes did not see
 * @param undo what was restored; empty while targets are still attached to
 */
public record Footer(
        Duration elapsed,
        int links,
        int processes,
        Optional<Events> events,
        Optional<Events> printed,
        Missed missed,
        Optional<Undone> undo) {
    /** Of a session whose programs do not print. */
    public Footer(
            Duration elapsed, int links, int processes, Optional<Events> events, Missed missed, Optional<Undone> undo) {
        this(elapsed, links, processes, events, Optional.empty(), missed, undo);
    }

    /**
     * Calls that too many others were under way beside: of return probes, and of programs that need a stack of ours. And locks in
     * values that were taken from holders that had ended, or did not leave them in time: the values may be half written. And functions
     * of timers that were given up, of which {@code fault} says what the first one did.
     */
    public record Missed(long returns, long runs, long locks, long timers, String fault) {
        /** Everything was seen. */
        public static final Missed NOTHING = new Missed(0, 0, 0, 0, "");

        private String text() {
            return missed(returns, plural(returns, "return", "returns"))
                    + missed(runs, plural(runs, "run", "runs"))
                    + takenOver()
                    + givenUp();
        }

        private String givenUp() {
            return timers == 0
                    ? ""
                    : "   " + plural(timers, "function of a timer", "functions of timers") + " given up: " + fault;
        }

        private String takenOver() {
            return locks == 0
                    ? ""
                    : "   " + plural(locks, "lock", "locks")
                            + " taken over: their holders had ended or did not leave them in time";
        }

        private static String missed(long count, String what) {
            return count == 0 ? "" : "   " + what + " missed: too many calls were under way at once";
        }
    }

    /**
     * What came through ring buffers.
     *
     * @param lost events that did not arrive, by cause in words ({@code ring full}); causes without loss may be left out
     */
    public record Events(long delivered, Map<String, Long> lost) {
        public Events {
            lost = Collections.unmodifiableMap(new LinkedHashMap<>(lost));
        }

        /** Events that did not arrive. */
        public long lostInAll() {
            return lost.values().stream().mapToLong(Long::longValue).sum();
        }

        /** Events that programs wanted to report. */
        public long seen() {
            return delivered + lostInAll();
        }

        String asLines() {
            return "   %s printed%s"
                    .formatted(
                            plural(delivered, "line", "lines"),
                            lostInAll() == 0 ? "" : "   %s lost%s".formatted(Quantity.count(lostInAll()), causes()));
        }

        String text() {
            return "   %s events seen   %s delivered   %s lost%s"
                    .formatted(
                            Quantity.count(seen()), Quantity.count(delivered), Quantity.count(lostInAll()), causes());
        }

        private String causes() {
            return lostInAll() == 0
                    ? ""
                    : lost.entrySet().stream()
                            .filter(entry -> entry.getValue() != 0)
                            .map(entry -> entry.getKey() + " " + Quantity.count(entry.getValue()))
                            .collect(Collectors.joining(", ", " (", ")"));
        }

        void json(JsonWriter json) {
            json.id("seen", seen()).id("delivered", delivered);
            json.id("lost", lostInAll()).name("lost_by_cause").beginObject();
            lost.forEach((cause, count) -> json.id(cause.replace(' ', '_'), count));
            json.endObject();
        }
    }

    /**
     * The result of an undo.
     *
     * @param proofs what was checked, in words: {@code text hash matches}
     */
    public record Undone(int restored, int sites, Proven proven, List<String> proofs) {
        public Undone {
            proofs = List.copyOf(proofs);
        }

        String text() {
            String head = "undo: %d/%d sites restored".formatted(restored, sites);
            String tail = proofs.isEmpty() ? "" : ", " + String.join(", ", proofs);
            return head
                    + tail
                    + switch (proven) {
                        case YES -> "";
                        case NO -> "  NOT PROVEN";
                    };
        }
    }

    /** Whether the target is exactly as its files say. */
    public enum Proven {
        YES,
        NO
    }

    /** For people: two lines, one while nothing is undone. */
    public List<String> lines() {
        String first = "session  %s s   %s in %s%s%s%s"
                .formatted(
                        String.format(Locale.ROOT, "%.3f", elapsed.toNanos() / 1e9),
                        plural(links, "link", "links"),
                        plural(processes, "process", "processes"),
                        events.map(Events::text).orElse(""),
                        printed.map(Events::asLines).orElse(""),
                        missed.text());
        return undo.map(done -> List.of(first, "  " + done.text())).orElse(List.of(first));
    }

    private static String plural(long count, String one, String many) {
        return Quantity.count(count) + " " + (count == 1 ? one : many);
    }

    /** The last line of JSON lines. */
    public String json() {
        JsonWriter json = new JsonWriter().beginObject().member("type", "footer");
        json.member("elapsed_ns", elapsed.toNanos());
        json.member("links", links).member("processes", processes);
        events.ifPresent(reported -> reported.json(json));
        printed.ifPresent(lines -> {
            json.name("printed").beginObject();
            lines.json(json);
            json.endObject();
        });
        if (missed.returns() != 0) {
            json.id("missed_returns", missed.returns());
        }
        if (missed.runs() != 0) {
            json.id("missed_runs", missed.runs());
        }
        if (missed.locks() != 0) {
            json.id("locks_taken_over", missed.locks());
        }
        if (missed.timers() != 0) {
            json.id("timers_given_up", missed.timers()).member("timer_fault", missed.fault());
        }
        undo.ifPresent(done -> {
            json.name("undo").beginObject();
            json.member("restored", done.restored()).member("sites", done.sites());
            json.flag("proven", done.proven() == Proven.YES).name("proofs").beginArray();
            done.proofs().forEach(json::value);
            json.endArray().endObject();
        });
        return json.endObject().toString();
    }
}
