package graft.cli.policy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * Answers the other commands of the user while a policy runs: one line in, some lines out, over a socket in the user's
 * folder. Closing ends it.
 */
public final class PolicyControl implements AutoCloseable {
    static final String SUFFIX = ".policy";

    private final Path file;
    private final ServerSocketChannel server;
    private final Function<String, List<String>> answers;

    private PolicyControl(Path file, ServerSocketChannel server, Function<String, List<String>> answers) {
        this.file = file;
        this.server = server;
        this.answers = answers;
    }

    /**
     * Begins to answer.
     *
     * @param file of the socket, whose name ends with {@code .policy}
     * @param answers runs on a thread of its own
     */
    public static PolicyControl open(Path file, Function<String, List<String>> answers) {
        try {
            Files.deleteIfExists(file); // of a process that has had our number
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            PolicyControl control = new PolicyControl(file, server, answers);
            server.bind(UnixDomainSocketAddress.of(file));
            Thread.ofPlatform().daemon().name("graft-policy").start(control::serve);
            return control;
        } catch (IOException e) {
            throw new UncheckedIOException("listening at " + file, e);
        }
    }

    private void serve() {
        while (server.isOpen()) {
            try (SocketChannel client = server.accept();
                    BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8))) {
                String line = in.readLine();
                String answer = line == null ? "" : String.join("\n", answers.apply(line)) + "\n";
                ByteBuffer bytes = ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    client.write(bytes);
                }
            } catch (ClosedChannelException _) {
                return;
            } catch (IOException _) {
                // Whoever asked has gone; the next one may stay.
            }
        }
    }

    /** Asks a running policy; empty when nobody answers. */
    static List<String> ask(Path file, String line) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(file));
                BufferedReader in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8))) {
            channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
            return in.lines().toList();
        } catch (IOException | UncheckedIOException _) {
            return List.of();
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException("closing " + file, e);
        }
    }
}
