package graft.cli;

import graft.cli.error.Problem;
import graft.uprobe.Probe;

/** Probes as people type them. */
final class ProbeText {
    private ProbeText() {}

    /** Whether a word is meant as a probe rather than as a file. */
    static boolean isProbe(String word) {
        return word.startsWith("uprobe:") || word.startsWith("uretprobe:") || word.startsWith("usdt:");
    }

    /** The probe, or a usage error that says what is wrong. A bare place means the function's entry. */
    static Probe parse(String text) {
        Probe.Parsed parsed = isProbe(text) ? Probe.parse(text) : Probe.parsePlace(Probe.Kind.ENTRY, text);
        return switch (parsed) {
            case Probe.Parsed.Ok(var probe) -> probe;
            case Probe.Parsed.Malformed(var wrong, var why) ->
                throw Problem.of("U002", "cannot read the probe " + wrong)
                        .because(why)
                        .remedy("uprobe:FILE:FUNCTION[+OFFSET], uprobe:FILE:SOURCE:LINE, uretprobe:FILE:FUNCTION, "
                                + "or usdt:FILE:PROVIDER:NAME")
                        .failure();
        };
    }
}
