package graft.cli;

import graft.platform.capstone.DisassembledInsn;
import graft.platform.capstone.Disassembler;
import java.util.List;

/** Explains machine code by Capstone, when it is installed. */
final class MachineText {
    private MachineText() {}

    /** The best explainer here; one that says nothing without a disassembler. */
    static PlanPrinter.Explainer explainer() {
        return switch (Disassembler.open()) {
            case Disassembler.Available(var disassembler) ->
                (code, address) -> disassembler.disassemble(code.bytes(), address).stream()
                        .map(DisassembledInsn::text)
                        .toList();
            case Disassembler.Missing missing -> (code, address) -> List.of();
        };
    }
}
