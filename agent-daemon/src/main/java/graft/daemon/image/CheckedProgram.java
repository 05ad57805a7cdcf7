package graft.daemon.image;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Facts;
import java.util.List;

/** A program that the verifier accepted, with what it learned. */
public record CheckedProgram(ProgSpec spec, Facts facts) {
    /** Whether it, or one of {@code tailPrograms} that it calls, walks the stack of the thread. */
    boolean walksStack(List<CheckedProgram> tailPrograms) {
        return facts.helpers().stream().anyMatch(Helper::walksStack)
                || facts.helpers().contains(Helper.TAIL_CALL)
                        && tailPrograms.stream()
                                .flatMap(program -> program.facts().helpers().stream())
                                .anyMatch(Helper::walksStack);
    }
}
