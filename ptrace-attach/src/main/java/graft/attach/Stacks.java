package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.layout.StacksLayout;
import graft.platform.layout.TracerConstants;
import graft.platform.proc.MemoryMapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** What the tracer needs to look for signal frames on the stacks of stopped threads. */
final class Stacks {
    private static final long PAIR = 16;

    private Stacks() {}

    /** A {@code struct graft_stacks} for stops of now; its buffer is of {@code arena} and may be used by one at a time. */
    static MemorySegment of(List<MemoryMapping> mappings, Arena arena, MemorySegment buffer) {
        MemorySegment pairs = arena.allocate(Math.max(1, mappings.size()) * PAIR, 8);
        for (int i = 0; i < mappings.size(); i++) {
            MemoryMapping mapping = mappings.get(i);
            pairs.setAtIndex(JAVA_LONG, 2L * i, mapping.start().value());
            pairs.setAtIndex(JAVA_LONG, 2L * i + 1, mapping.end().value());
        }
        MemorySegment stacks = arena.allocate(StacksLayout.SIZE, 8);
        stacks.set(JAVA_LONG, StacksLayout.MAPPINGS, pairs.address());
        stacks.set(JAVA_LONG, StacksLayout.MAPPING_COUNT, mappings.size());
        stacks.set(JAVA_LONG, StacksLayout.BUFFER, buffer.address());
        stacks.set(JAVA_LONG, StacksLayout.BUFFER_SIZE, buffer.byteSize());
        return stacks;
    }

    /** For the words of one stack. */
    static MemorySegment buffer(Arena arena) {
        return arena.allocate(TracerConstants.STACK_SEARCHED, 8);
    }
}
