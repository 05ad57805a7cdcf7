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
 * @param session its name
 * @param lost events that did not arrive, by cause in words ({@code ring full}); causes without loss may be left out
 * @param undo what was restored; empty while targets are still attached to
 */
public record Footer(
        String session,
        Duration elapsed,
        int links,
        long seen,
        long delivered,
        Map<String, Long> lost,
        Optional<Undone> undo) {

    public Footer {
        lost = Collections.unmodifiableMap(new LinkedHashMap<>(lost));
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

    /** Events that did not arrive. */
    public long lostInAll() {
        return lost.values().stream().mapToLong(Long::longValue).sum();
    }

    /** For people: two lines, one while nothing is undone. */
    public List<String> lines() {
        String first = "session %s  %s   %s   %s events seen   %s delivered   %s lost%s"
                .formatted(
                        session,
                        String.format(Locale.ROOT, "%.3f s", elapsed.toNanos() / 1e9),
                        links == 1 ? "1 link" : Quantity.count(links) + " links",
                        Quantity.count(seen),
                        Quantity.count(delivered),
                        Quantity.count(lostInAll()),
                        causes());
        return undo.map(done -> List.of(first, "  " + done.text())).orElse(List.of(first));
    }

    private String causes() {
        return lostInAll() == 0
                ? ""
                : lost.entrySet().stream()
                        .filter(entry -> entry.getValue() != 0)
                        .map(entry -> entry.getKey() + " " + Quantity.count(entry.getValue()))
                        .collect(Collectors.joining(", ", " (", ")"));
    }

    /** The last line of JSON lines. */
    public String json() {
        JsonWriter json = new JsonWriter().beginObject().member("type", "footer");
        json.member("session", session).member("elapsed_ns", elapsed.toNanos());
        json.member("links", links).id("seen", seen).id("delivered", delivered);
        json.id("lost", lostInAll()).name("lost_by_cause").beginObject();
        lost.forEach((cause, count) -> json.id(cause.replace(' ', '_'), count));
        json.endObject();
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
