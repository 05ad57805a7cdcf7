package graft.platform.linux;

import java.lang.foreign.Arena;

/** {@code sys/mount.h}. */
public final class Mount {
    private Mount() {}

    /** {@code mount(2)} of a file system without a device and without options. */
    public static void mount(String type, String folder) {
        try (Arena arena = Arena.ofConfined()) {
            long name = arena.allocateFrom(type).address();
            long target = arena.allocateFrom(folder).address();
            Syscall.MOUNT.call("mounting " + type + " at " + folder, name, target, name, 0, 0);
        }
    }
}
