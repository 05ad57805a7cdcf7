package graft.uprobe;

import java.util.List;

/** What a probe's name leads to in one process. */
public sealed interface Resolution {
    /** At least one place. Several for a pattern, or for local functions that share a name. */
    record Found(List<AttachPoint> points) implements Resolution {
        public Found {
            points = List.copyOf(points);
        }
    }

    /** No such file is mapped. {@code mapped} lists what is. */
    record NoSuchModule(Probe probe, List<String> mapped) implements Resolution {}

    /**
     * The file is mapped but has no such function.
     *
     * @param near names that resemble the one asked for, best first
     * @param symbols what the file knows
     */
    record NoSuchSymbol(Probe probe, String modulePath, List<String> near, Symbols symbols) implements Resolution {}

    /**
     * The file is mapped but has no such static probe.
     *
     * @param near names that resemble the one asked for, best first
     * @param markers how many places of static probes the file has
     */
    record NoSuchMarker(Probe probe, String modulePath, List<String> near, int markers) implements Resolution {}

    /** The file does not tell of source lines. {@code why} is about the file. */
    record NoLines(Probe probe, String modulePath, String why) implements Resolution {}

    /**
     * No code begins at this line.
     *
     * @param near the lines before and behind it that have code; none when the file was not built from such a source
     */
    record NoCodeAtLine(Probe probe, String modulePath, List<Integer> near) implements Resolution {}

    /** An offset that is not inside the function. */
    record OutsideFunction(Probe probe, String modulePath, long size) implements Resolution {}

    /** An address that holds no code, or, for a return probe, at which no function begins. */
    record NoCode(Probe probe, String modulePath) implements Resolution {}

    /** How many names a file has kept. */
    enum Symbols {
        FULL,
        /** Only exported functions have names; a separate debug file was not found. */
        STRIPPED
    }
}
