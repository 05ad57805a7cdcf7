package graft.ebpf.jit.x86_64;

import graft.platform.asm.x86_64.Gpr;
import java.util.List;

/**
 * The stack of one function: return address, pushed registers, frame. r10 of the program is {@code rsp + top}.
 *
 * @param saved registers pushed at entry
 * @param allocated bytes subtracted from rsp; 0 when a leaf's frame fits into the red zone
 * @param top distance from rsp to the end of the frame
 * @param record offset of the address of the run's record from the end of the frame; 0 without one
 * @param budget offset of the loop budget of {@code may_goto} from the end of the frame; 0 without one
 */
record Frame(List<Gpr> saved, int allocated, int top, int budget, int record) {
    /** The part of the red zone that is used: a frame of this size at most needs no allocation in a leaf. */
    private static final int RED_ZONE = 128;

    private static final int STACK_ALIGNMENT = 16;

    /** No stack at all. */
    static final Frame NONE = new Frame(List.of(), 0, 0, 0, 0);

    /** What a function's frame is made of. */
    enum Shape {
        LEAF,
        CALLS
    }

    /** What the compiler itself keeps in a frame. */
    record Kept(int budgetBytes, int recordBytes) {}

    static Frame of(List<Gpr> saved, int programBytes, Kept kept, Shape shape) {
        int budgetEnd = programBytes + kept.budgetBytes();
        int bytes = budgetEnd + kept.recordBytes();
        int budget = kept.budgetBytes() == 0 ? 0 : -budgetEnd;
        int record = kept.recordBytes() == 0 ? 0 : -bytes;
        if (shape == Shape.LEAF && bytes <= RED_ZONE) {
            return new Frame(saved, 0, 0, budget, record);
        }
        int pushed = 8 + 8 * saved.size();
        int total = (pushed + bytes + STACK_ALIGNMENT - 1) & -STACK_ALIGNMENT;
        return new Frame(saved, total - pushed, total - pushed, budget, record);
    }

    int stackBytes() {
        return 8 + 8 * saved.size() + allocated;
    }
}
