package graft.cli.bench;

import graft.uprobe.Probe;
import java.util.List;

/** What is attached to the functions of one row; the same programs by graft and by the kernel. */
enum UprobeRow {
    ENTRY_EMPTY("entry-empty", "entry_empty", List.of(new Attached("empty", Probe.Kind.ENTRY))),
    ENTRY_COUNT("entry-count", "entry_count", List.of(new Attached("count", Probe.Kind.ENTRY))),
    ENTRY_ARGUMENTS("entry-arguments", "entry_arguments", List.of(new Attached("arguments", Probe.Kind.ENTRY))),
    RETURN_EMPTY("return-empty", "return_only", List.of(new Attached("empty_return", Probe.Kind.RETURN))),
    ENTRY_RETURN_EMPTY(
            "entry+return-empty",
            "entry_return",
            List.of(new Attached("empty", Probe.Kind.ENTRY), new Attached("empty_return", Probe.Kind.RETURN))),
    ANY_OFFSET_EMPTY("any-offset-empty", "offset", List.of(new Attached("empty", Probe.Kind.OFFSET)));

    private final String label;
    private final String function;
    private final List<Attached> programs;

    /** A program of the bench object, and where in the function. */
    record Attached(String program, Probe.Kind kind) {}

    UprobeRow(String label, String function, List<Attached> programs) {
        this.label = label;
        this.function = function;
        this.programs = programs;
    }

    /** As printed. */
    String label() {
        return label;
    }

    /** The target's function that graft attaches to. */
    String graftFunction() {
        return "row_graft_" + function;
    }

    /** The target's function that the kernel attaches to. */
    String kernelFunction() {
        return "row_kernel_" + function;
    }

    List<Attached> programs() {
        return programs;
    }
}
