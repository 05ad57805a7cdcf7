package graft.cli.policy;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a running policy does. The order is that of {@code MODE_*} in {@code rules.h}. */
public enum Mode {
    /** Nothing: calls are not even looked at. */
    OFF,
    /** It counts what it would do. */
    MONITOR,
    /** It does it. */
    ENFORCE;

    /** As users write it. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The mode of a word. */
    public static Optional<Mode> of(String word) {
        return Arrays.stream(values()).filter(mode -> mode.text().equals(word)).findFirst();
    }
}
