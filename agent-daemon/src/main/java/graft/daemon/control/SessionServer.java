package graft.daemon.control;

import graft.attach.RuntimeFolder;
import graft.daemon.Session;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.MapAccess;
import graft.platform.linux.Errno;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * Answers the user's other commands while a session runs: one question for each connection, over a socket in the user's
 * folder that nobody else can open. What they change is changed here, by the session's own maps: who asked may be killed at
 * any moment and has then asked for the whole change or for none. Waits in {@code accept}, and costs nothing
 * until somebody comes. Closing ends it; the kernel does when the process is killed.
 */
public final class SessionServer implements AutoCloseable {
    static final String SUFFIX = ".session";

    /** Before it has that. */
    static final String UNREADY = ".unready";

    private static final long PAUSE_NANOS = 100_000_000;

    private final Path file;
    private final ServerSocketChannel server;
    private final Session session;

    private SessionServer(Path file, ServerSocketChannel server, Session session) {
        this.file = file;
        this.server = server;
        this.session = session;
    }

    /** Begins to answer for {@code session}, which stays the caller's. */
    public static SessionServer open(Session session) throws IOException {
        Path folder = RuntimeFolder.path();
        RuntimeFolder.create(folder);
        DeadSockets.remove(folder);
        String name = ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime());
        Path unready = folder.resolve(name + UNREADY);
        Path file = folder.resolve(name + SUFFIX);
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            // It has its name only when it can be asked: who finds a name and nobody behind it takes it for a dead
            // one's.
            channel.bind(UnixDomainSocketAddress.of(unready));
            Files.setPosixFilePermissions(unready, PosixFilePermissions.fromString("rw-------"));
            Files.move(unready, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            channel.close();
            Files.deleteIfExists(unready);
            throw failed;
        }
        SessionServer server = new SessionServer(file, channel, session);
        Thread.ofPlatform().daemon().name("graft-control").start(server::serve);
        return server;
    }

    private void serve() {
        while (server.isOpen()) {
            try {
                SocketChannel client = server.accept();
                Thread.ofVirtual().start(() -> answer(client));
            } catch (IOException _) {
                // It was closed, or there is no descriptor left for whoever knocks.
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void answer(SocketChannel client) {
        try (client;
                DataInputStream in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(client)));
                DataOutputStream out =
                        new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(client)))) {
            if (in.readInt() == Wire.VERSION) {
                answer(in, out);
                out.flush();
            }
        } catch (IOException | IllegalStateException _) {
            // Whoever asked has gone, or the session has ended meanwhile: both see that the answer ends.
        }
    }

    private void answer(DataInputStream in, DataOutputStream out) throws IOException {
        switch (in.readByte()) {
            case Wire.VIEW -> Wire.view(out, SessionView.of(session));
            case Wire.PROG -> {
                Optional<ProgText> prog = ProgText.of(session, Wire.text(in));
                out.writeInt(prog.isPresent() ? 0 : Wire.UNKNOWN);
                if (prog.isPresent()) {
                    Wire.prog(out, prog.get());
                }
            }
            case Wire.CALL -> {
                MapRequest request = Wire.request(in);
                Optional<BpfMap> map = session.collection().map(request.map());
                MapAccess.Answer answer = map.map(found -> request.perform(new MapAccess(
                                found,
                                MapAccess.Naming.NUMBER,
                                session.collection().tailPrograms().size())))
                        .orElseGet(() -> new MapAccess.Answer(Wire.UNKNOWN, new byte[0]));
                out.writeInt(answer.error());
                Wire.bytes(out, answer.value());
            }
            case Wire.ENTRIES -> entries(session.collection().map(Wire.text(in)), out);
            default -> throw new IOException("no such question");
        }
    }

    private static void entries(Optional<BpfMap> map, DataOutputStream out) throws IOException {
        int error = Wire.UNKNOWN;
        if (map.isPresent()) {
            try {
                error = new MapAccess(map.get(), MapAccess.Naming.NUMBER, 0)
                        .entries((key, value) -> entry(out, key, value));
            } catch (DamagedMapException _) {
                error = Errno.EUCLEAN;
            } catch (UncheckedIOException gone) {
                throw gone.getCause();
            }
        }
        out.writeInt(Wire.END);
        out.writeInt(error);
    }

    private static boolean entry(DataOutputStream out, byte[] key, byte[] value) {
        try {
            Wire.bytes(out, key);
            Wire.bytes(out, value);
            return true;
        } catch (IOException gone) {
            throw new UncheckedIOException(gone);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(file);
        } catch (IOException _) {
            // The session has more to undo. Who finds the file finds nobody behind it, and removes it.
        }
    }
}
