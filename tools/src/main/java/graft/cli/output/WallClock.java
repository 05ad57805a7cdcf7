package graft.cli.output;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;

/**
 * Turns the times of events into times of day. Events carry {@code CLOCK_MONOTONIC}, which is also what
 * {@link System#nanoTime} reads.
 *
 * @param wall a time of day
 * @param monotonicNs the same moment on the monotonic clock
 */
public record WallClock(Instant wall, long monotonicNs, ZoneId zone) {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSS");

    /** Both clocks read now. */
    public static WallClock ofThisMachine() {
        return new WallClock(Instant.now(), System.nanoTime(), ZoneId.systemDefault());
    }

    /** When an event happened. */
    public Instant at(long eventNs) {
        return wall.plusNanos(eventNs - monotonicNs);
    }

    /** {@code 14:03:07.000123}. */
    public String time(long eventNs) {
        return TIME.format(at(eventNs).atZone(zone));
    }

    /** {@code 2026-01-31T14:03:07.000123Z}. */
    public String timestamp(long eventNs) {
        return DateTimeFormatter.ISO_INSTANT.format(at(eventNs).truncatedTo(ChronoUnit.MICROS));
    }
}
