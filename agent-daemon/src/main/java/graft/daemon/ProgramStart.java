package graft.daemon;

import graft.attach.PreloadLibrary;
import graft.platform.elf.ElfFile;
import graft.platform.linux.Pidfd;
import graft.platform.linux.PosixSpawn;
import graft.platform.linux.WaitStatus;
import graft.platform.linux.Waitpid;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A program that is started so that a session can attach before its {@code main}: the preload library holds it in its
 * constructor until {@link #release}. Owns the child; closing removes the socket and never harms the child.
 */
public final class ProgramStart implements AutoCloseable {
    private static final long CHECK_MILLIS = 20;
    private static final int HELLO_BYTES = 16;

    private final Path folder;
    private final ServerSocketChannel server;
    private final int pid;
    private final CompletableFuture<SocketChannel> hello;
    private Optional<Integer> exit = Optional.empty();

    private ProgramStart(Path folder, ServerSocketChannel server, int pid) {
        this.folder = folder;
        this.server = server;
        this.pid = pid;
        this.hello = CompletableFuture.supplyAsync(
                this::accept,
                task -> Thread.ofPlatform().daemon().name("graft-preload").start(task));
    }

    /** Whether a program's file uses a dynamic loader, which the preload library needs. */
    public static boolean isDynamic(Path executable) {
        try (ElfFile elf = ElfFile.open(executable)) {
            return elf.interpreter().isPresent();
        }
    }

    /** Where the shell would find {@code command}. */
    public static Optional<Path> find(String command) {
        if (command.contains("/")) {
            return Optional.of(Path.of(command)).filter(Files::isExecutable);
        }
        for (String directory :
                System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":")) {
            Path candidate = Path.of(directory, command);
            if (Files.isExecutable(candidate) && !Files.isDirectory(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    /** Starts a dynamic program; it waits before {@code main}. */
    public static ProgramStart start(Path executable, List<String> command) {
        try {
            Path folder = Files.createTempDirectory("graft-start");
            Path library = PreloadLibrary.writeTo(folder);
            Path socket = folder.resolve("socket");
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.bind(UnixDomainSocketAddress.of(socket));
            int pid = PosixSpawn.spawn(executable.toString(), command, environment(library, socket), Optional.empty());
            return new ProgramStart(folder, server, pid);
        } catch (IOException e) {
            throw new UncheckedIOException("starting " + executable, e);
        }
    }

    private static List<String> environment(Path library, Path socket) {
        List<String> environment = new ArrayList<>();
        String preload = library.toString();
        for (Map.Entry<String, String> variable : System.getenv().entrySet()) {
            if (variable.getKey().equals("LD_PRELOAD")) {
                preload = library + ":" + variable.getValue();
            } else {
                environment.add(variable.getKey() + "=" + variable.getValue());
            }
        }
        environment.add("LD_PRELOAD=" + preload);
        environment.add("GRAFT_SOCKET=" + socket);
        return environment;
    }

    private SocketChannel accept() {
        try {
            SocketChannel channel = server.accept();
            ByteBuffer message = ByteBuffer.allocate(HELLO_BYTES);
            while (message.hasRemaining() && channel.read(message) >= 0) {
                // The message is short; it usually comes at once.
            }
            return channel;
        } catch (IOException e) {
            throw new UncheckedIOException("waiting for the started program", e);
        }
    }

    public int pid() {
        return pid;
    }

    /** Waits until the program stands before {@code main}; false when it ended or its loader ignored the library. */
    public boolean awaitReady() {
        while (exit.isEmpty()) {
            try {
                hello.get(CHECK_MILLIS, TimeUnit.MILLISECONDS);
                return true;
            } catch (TimeoutException _) {
                poll(Waitpid.WNOHANG);
            } catch (ExecutionException _) {
                return false;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return false;
    }

    /** Lets {@code main} run. */
    public void release() {
        try (SocketChannel channel = hello.join()) {
            channel.write(ByteBuffer.wrap(new byte[] {1}));
        } catch (IOException e) {
            throw new UncheckedIOException("releasing the started program", e);
        }
    }

    /** Waits for the program's end: its exit code, or 128 and the signal's number, as shells count. */
    public int awaitExit() {
        while (exit.isEmpty()) {
            Pidfd.awaitEnd(pid);
            poll(0);
        }
        return exit.get();
    }

    private void poll(int options) {
        try (Arena arena = Arena.ofConfined()) {
            int status = Waitpid.waitpid(pid, options, arena.allocate(Integer.BYTES, Integer.BYTES));
            if (status != Waitpid.NOTHING) {
                exit = exitCode(WaitStatus.decode(status));
            }
        }
    }

    private static Optional<Integer> exitCode(WaitStatus status) {
        return switch (status) {
            case WaitStatus.Exited(var code) -> Optional.of(code);
            case WaitStatus.Signaled(var signal) -> Optional.of(128 + signal);
            case WaitStatus.Stopped _, WaitStatus.Continued _ -> Optional.empty();
        };
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(folder.resolve("socket"));
            Files.deleteIfExists(folder.resolve(PreloadLibrary.NAME));
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("removing " + folder, e);
        }
    }
}
