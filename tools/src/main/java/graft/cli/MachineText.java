package graft.cli;

import java.util.List;

/** Explains machine code by a disassembler, when one is installed. */
final class MachineText {
    private MachineText() {}

    /** The best explainer here; one that says nothing without a disassembler. */
    static PlanPrinter.Explainer explainer() {
        return (_, _) -> List.of();
    }
}
