package graft.platform.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** {@code struct msghdr} of one packet that passes descriptors ({@code SCM_RIGHTS}). */
public final class PacketMessage {
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final long HEADER_SIZE = 56;
    private static final long CONTROL_HEAD = 16;

    private PacketMessage() {}

    /** A message of {@code payload}, in {@code arena}. @param descriptors of this process, perhaps none */
    public static MemorySegment of(Arena arena, MemorySegment payload, List<Integer> descriptors) {
        MemorySegment vector = arena.allocate(16, 8);
        vector.set(JAVA_LONG, 0, payload.address());
        vector.set(JAVA_LONG, 8, payload.byteSize());
        MemorySegment header = arena.allocate(HEADER_SIZE, 8);
        header.set(JAVA_LONG, 16, vector.address());
        header.set(JAVA_LONG, 24, 1);
        if (!descriptors.isEmpty()) {
            long length = CONTROL_HEAD + 4L * descriptors.size();
            MemorySegment control = arena.allocate(length + 7 & -8, 8);
            control.set(JAVA_LONG, 0, length);
            control.set(JAVA_INT, 8, SOL_SOCKET);
            control.set(JAVA_INT, 12, SCM_RIGHTS);
            for (int i = 0; i < descriptors.size(); i++) {
                control.set(JAVA_INT, CONTROL_HEAD + 4L * i, descriptors.get(i));
            }
            header.set(JAVA_LONG, 32, control.address());
            header.set(JAVA_LONG, 40, control.byteSize());
        }
        return header;
    }
}
