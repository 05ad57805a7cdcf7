package graft.ebpf.object;

import graft.ebpf.insn.ControlFlow;
import graft.ebpf.insn.InsnList;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Instructions that come without an object file: from a command line, a test or a generator. */
public final class RawProgram {
    private RawProgram() {}

    /** A program of {@code type} whose functions are those that its calls name. */
    public static ProgSpec of(String name, ProgType type, InsnList insns) {
        List<Integer> starts = List.copyOf(ControlFlow.functions(insns));
        List<ProgSpec.Function> functions = new ArrayList<>();
        for (int index = 0; index < starts.size(); index++) {
            int first = starts.get(index);
            int end = index + 1 < starts.size() ? starts.get(index + 1) : insns.slots();
            String function = index == 0 ? name : "function_" + first;
            functions.add(new ProgSpec.Function(function, first, end - first, 0));
        }
        return new ProgSpec(name, "", type, Optional.empty(), insns, functions, List.of(), "GPL");
    }
}
