package graft.daemon.control;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Sockets that killed processes of this user have left in their folder, with a name or before they had one. */
final class DeadSockets {
    private static final Pattern NAME = Pattern.compile("([0-9]{1,9})-[0-9a-f]+(?:"
            + Pattern.quote(SessionServer.SUFFIX) + "|" + Pattern.quote(SessionServer.UNREADY) + ")");

    private DeadSockets() {}

    /**
     * Removes those of processes that are gone: there is none with that number, and nobody listens. The folder may be that of
     * another pid namespace too, whose processes have other numbers.
     */
    static void remove(Path folder) {
        for (Path socket : sockets(folder)) {
            if (isAbandoned(socket)) {
                try {
                    Files.deleteIfExists(socket);
                } catch (IOException _) {
                    // It stays; nobody is asked by it.
                }
            }
        }
    }

    private static List<Path> sockets(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(DeadSockets::isOfNobody).toList();
        } catch (IOException _) {
            return List.of();
        }
    }

    private static boolean isOfNobody(Path socket) {
        Matcher name = NAME.matcher(socket.getFileName().toString());
        return name.matches() && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty();
    }

    /** Waits for nobody: the owner may be stopped, with as many before this as there is room for. */
    private static boolean isAbandoned(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return false;
        } catch (ConnectException refused) {
            return true;
        } catch (IOException other) {
            return false;
        }
    }
}
