package graft.attach;

import graft.platform.linux.PosixSpawn;
import graft.platform.linux.Ptrace;
import graft.platform.linux.Signals;
import graft.platform.linux.SysException;
import graft.platform.linux.UserRegs;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Starts a program as a child of ours: it inherits our standard descriptors, and nobody else waits for it. A child that
 * Java's {@link ProcessBuilder} started could not be attached to.
 *
 * @param command the program, looked for in {@code PATH} when it has no slash, and its arguments
 * @param environment all of its environment
 * @param directory where it starts, or empty for where we are
 */
public record Spawn(List<String> command, Map<String, String> environment, Optional<Path> directory) {
    private static final String SHELL = "/bin/sh";
    private static final int NOT_FOUND = 127;
    private static final int NOT_EXECUTABLE = 126;

    public Spawn {
        if (command.isEmpty()) {
            throw new IllegalArgumentException("nothing to start");
        }
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }

    /** How a start ended. */
    public sealed interface Started {
        /** It runs. */
        record Running(Child child) implements Started {}

        /** Nothing runs. {@code exitCode} is what a shell would report: 127 not found, 126 not executable. */
        record NotStarted(String reason, int exitCode) implements Started {}
    }

    /** Starts it; it runs at once. */
    public Started running() {
        return switch (find()) {
            case Found.Program(var path) -> {
                try {
                    yield new Started.Running(new Child(PosixSpawn.spawn(path, command, strings(), folder())));
                } catch (SysException failed) {
                    yield new Started.NotStarted(failed.getMessage(), NOT_EXECUTABLE);
                }
            }
            case Found.Nothing(var reason, var code) -> new Started.NotStarted(reason, code);
        };
    }

    /**
     * Starts it and calls {@code prepare} while it stands at its first instruction (of its program interpreter, when it
     * has one); it goes on when {@code prepare} returns. An attach inside {@code prepare} is an ordinary one: the program
     * waits in a loop at its entry and is not traced then. It is ended when {@code prepare} throws or we die.
     */
    public Started heldAtEntry(Preparation prepare) {
        return switch (find()) {
            case Found.Program(var path) -> {
                int pid;
                try {
                    pid = PosixSpawn.spawn(SHELL, throughShell(path), strings(), folder());
                } catch (SysException failed) {
                    yield new Started.NotStarted(failed.getMessage(), NOT_EXECUTABLE);
                }
                yield hold(new Child(pid), path, prepare);
            }
            case Found.Nothing(var reason, var code) -> new Started.NotStarted(reason, code);
        };
    }

    /** What is done while the program is held. */
    @FunctionalInterface
    public interface Preparation {
        /** @param pid the process, which already runs the right program */
        void prepare(int pid);
    }

    private static Started hold(Child child, String path, Preparation prepare) {
        boolean released = false;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment registers = arena.allocate(UserRegs.SIZE, 8);
            Optional<EntryHold> held =
                    TracerThread.call("start-" + child.pid(), () -> stopAtExec(child.pid(), registers));
            if (held.isEmpty()) {
                return new Started.NotStarted(path + " could not be executed", child.awaitExit());
            }
            prepare.prepare(child.pid());
            held.get().release();
            released = true;
        } finally {
            if (!released) {
                child.close();
            }
        }
        return new Started.Running(child);
    }

    /** On one tracer thread: the shell stops itself, is seized, goes on, and stops again in its new program. */
    private static Optional<EntryHold> stopAtExec(int pid, MemorySegment registers) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(ValueLayout.JAVA_INT);
            if (!(WaitStatus.decode(Waitpid.waitpid(pid, Waitpid.WUNTRACED, status)) instanceof WaitStatus.Stopped)) {
                throw new TraceeGoneException(pid, "starting it through " + SHELL);
            }
            Ptrace.seize(pid, Ptrace.O_TRACEEXEC);
            Signals.kill(pid, Signals.SIGCONT);
            while (true) {
                int word = Waitpid.waitpid(pid, Waitpid.WALL, status);
                switch (WaitStatus.decode(word)) {
                    case WaitStatus.Exited _, WaitStatus.Signaled _ -> {
                        return Optional.empty();
                    }
                    case WaitStatus.Stopped(var signal, var event) -> {
                        if (event == WaitStatus.EVENT_EXEC) {
                            EntryHold hold = EntryHold.place(pid, registers);
                            Ptrace.detach(pid, 0);
                            return Optional.of(hold);
                        }
                        Ptrace.cont(pid, event == WaitStatus.EVENT_STOP || signal == Signals.SIGTRAP ? 0 : signal);
                    }
                    case WaitStatus.Continued _ -> {}
                }
            }
        }
    }

    private List<String> throughShell(String path) {
        List<String> all = new ArrayList<>(List.of("sh", "-c", "kill -STOP $$; exec \"$@\"", "sh", path));
        all.addAll(command.subList(1, command.size()));
        return all;
    }

    private List<String> strings() {
        return environment.entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .toList();
    }

    private Optional<String> folder() {
        return directory.map(Path::toString);
    }

    private sealed interface Found {
        record Program(String path) implements Found {}

        record Nothing(String reason, int exitCode) implements Found {}
    }

    /** As a shell looks for it. */
    private Found find() {
        String name = command.getFirst();
        if (name.indexOf('/') >= 0) {
            Path file = directory.map(folder -> folder.resolve(name)).orElse(Path.of(name));
            if (!Files.exists(file)) {
                return new Found.Nothing(name + " does not exist", NOT_FOUND);
            }
            return Files.isExecutable(file) && !Files.isDirectory(file)
                    ? new Found.Program(file.toAbsolutePath().toString())
                    : new Found.Nothing(name + " is not an executable file", NOT_EXECUTABLE);
        }
        for (String folder : environment.getOrDefault("PATH", "/usr/bin:/bin").split(":")) {
            Path file = Path.of(folder, name);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                return new Found.Program(file.toAbsolutePath().toString());
            }
        }
        return new Found.Nothing(name + " is not in PATH", NOT_FOUND);
    }
}
