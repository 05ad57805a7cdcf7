package graft.cli.bench;

import java.util.List;

/** What is attached to the functions of one row; the same programs by graft and by the kernel. */
enum UprobeRow {
    ENTRY_EMPTY("entry-empty", "entry_empty", List.of("empty")),
    ENTRY_COUNT("entry-count", "entry_count", List.of("count")),
    ENTRY_RETURN_EMPTY("entry+return-empty", "entry_return", List.of("empty", "empty_return")),
    ANY_OFFSET_EMPTY("any-offset-empty", "offset", List.of("empty"));

    private final String label;
    private final String function;
    private final List<String> programs;

    UprobeRow(String label, String function, List<String> programs) {
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

    /** Programs of the bench object; the second runs at the return. */
    List<String> programs() {
        return programs;
    }
}
