package graft.platform.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/**
 * {@code spawn.h}: child processes that belong to us. A child of {@link ProcessBuilder} cannot be traced, because the
 * JVM's own reaper thread waits for it.
 */
public final class PosixSpawn {
    private static final int ACTIONS_SIZE = 128;
    private static final int ATTRIBUTES_SIZE = 512;
    private static final int SIGSET_SIZE = 128;
    private static final short SETSIGDEF = 4;
    private static final short SETSIGMASK = 8;
    private static final MethodHandle SPAWN = NativeCalls.link(
            "posix_spawn", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    private static final MethodHandle ACTIONS_INIT =
            NativeCalls.link("posix_spawn_file_actions_init", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle ACTIONS_DESTROY =
            NativeCalls.link("posix_spawn_file_actions_destroy", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle ADD_CHDIR =
            NativeCalls.link("posix_spawn_file_actions_addchdir_np", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle ATTRIBUTES_INIT =
            NativeCalls.link("posix_spawnattr_init", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    private static final MethodHandle SET_FLAGS =
            NativeCalls.link("posix_spawnattr_setflags", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_SHORT));
    private static final MethodHandle SET_SIGDEFAULT =
            NativeCalls.link("posix_spawnattr_setsigdefault", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle SET_SIGMASK =
            NativeCalls.link("posix_spawnattr_setsigmask", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));

    private PosixSpawn() {}

    /**
     * Starts {@code path}. It inherits the descriptors that this process inherited, and none that Java has opened; no signal
     * is blocked or ignored in the child.
     *
     * @param path the program's file, not searched for in PATH
     * @param arguments argv, the program's name first
     * @param environment {@code NAME=value} strings
     * @param directory the working directory, or empty for ours
     * @return the child's pid; only the caller waits for it
     */
    public static int spawn(String path, List<String> arguments, List<String> environment, Optional<String> directory) {
        OwnDescriptors.closeOnExec();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment actions = arena.allocate(ACTIONS_SIZE, 8);
            MemorySegment attributes = attributes(arena);
            MemorySegment pid = arena.allocate(JAVA_INT);
            MemorySegment capture = NativeCalls.capture();
            check((int) ACTIONS_INIT.invokeExact(capture, actions), "posix_spawn_file_actions_init", path);
            try {
                if (directory.isPresent()) {
                    check(
                            (int) ADD_CHDIR.invokeExact(capture, actions, arena.allocateFrom(directory.get())),
                            "posix_spawn_file_actions_addchdir_np",
                            path);
                }
                MemorySegment argv = strings(arena, arguments);
                MemorySegment envp = strings(arena, environment);
                check(
                        (int) SPAWN.invokeExact(
                                capture, pid, arena.allocateFrom(path), actions, attributes, argv, envp),
                        "posix_spawn",
                        path);
            } finally {
                int ignored = (int) ACTIONS_DESTROY.invokeExact(capture, actions);
            }
            return pid.get(JAVA_INT, 0);
        } catch (SysException failed) {
            throw failed;
        } catch (Throwable thrown) {
            throw NativeCalls.unexpected(thrown);
        }
    }

    private static MemorySegment attributes(Arena arena) throws Throwable {
        MemorySegment attributes = arena.allocate(ATTRIBUTES_SIZE, 8);
        MemorySegment all = arena.allocate(SIGSET_SIZE, 8).fill((byte) 0xff);
        MemorySegment none = arena.allocate(SIGSET_SIZE, 8);
        MemorySegment capture = NativeCalls.capture();
        check((int) ATTRIBUTES_INIT.invokeExact(capture, attributes), "posix_spawnattr_init", "signals");
        check((int) SET_SIGDEFAULT.invokeExact(capture, attributes, all), "posix_spawnattr_setsigdefault", "signals");
        check((int) SET_SIGMASK.invokeExact(capture, attributes, none), "posix_spawnattr_setsigmask", "signals");
        short flags = SETSIGDEF | SETSIGMASK;
        check((int) SET_FLAGS.invokeExact(capture, attributes, flags), "posix_spawnattr_setflags", "signals");
        return attributes;
    }

    private static MemorySegment strings(Arena arena, List<String> strings) {
        MemorySegment array = arena.allocate(ADDRESS, strings.size() + 1L);
        for (int i = 0; i < strings.size(); i++) {
            array.setAtIndex(JAVA_LONG, i, arena.allocateFrom(strings.get(i)).address());
        }
        return array;
    }

    private static void check(int result, String call, String path) {
        if (result != 0) {
            throw new SysException(call, result, "starting " + path);
        }
    }
}
