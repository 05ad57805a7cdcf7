package graft.cli.policy;

import graft.syscalls.NamedConstants;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads signals as strace does: {@code SIGUSR1}, {@code USR1}, {@code RTMIN}, {@code RT_3}, {@code 10}. */
final class SignalReader {
    private static final int LAST = 64;
    private static final int FIRST_REAL_TIME = 32; // the kernel's, as strace counts
    private static final Pattern REAL_TIME = Pattern.compile("(?:SIG)?RT(?:MIN|_([1-9]|[12][0-9]|3[0-2]))");

    private SignalReader() {}

    static Optional<Disturbance.Signal> read(NamedConstants constants, String word) {
        OptionalLong number = Comparisons.numeral(word);
        if (number.isPresent()) {
            return number.getAsLong() > 0 && number.getAsLong() <= LAST
                    ? Optional.of(new Disturbance.Signal(word, (int) number.getAsLong()))
                    : Optional.empty();
        }
        String name = word.startsWith("SIG") ? word : "SIG" + word;
        Matcher realTime = REAL_TIME.matcher(word);
        if (realTime.matches()) {
            String above = realTime.group(1);
            return Optional.of(
                    new Disturbance.Signal(name, FIRST_REAL_TIME + (above == null ? 0 : Integer.parseInt(above))));
        }
        return constants
                .set("signal")
                .find(name)
                .filter(signal -> signal.value() > 0 && signal.value() <= LAST)
                .map(signal -> new Disturbance.Signal(name, (int) signal.value()));
    }
}
