package graft.daemon.control;

import graft.ebpf.maps.MapAccess;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A session of another process, asked over its socket. Every question is a connection of its own. */
public final class RemoteSession {
    /** For a process that is stopped or starved, the one that asks does not wait longer. */
    private static final long PATIENCE_SECONDS = 10;

    private final Path socket;
    private final SessionView view;

    private RemoteSession(Path socket, SessionView view) {
        this.socket = socket;
        this.view = view;
    }

    /** The session does not answer any more: it has ended, or its process is stopped. */
    public static final class GoneException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        GoneException(String what, Throwable cause) {
            super(what, cause);
        }
    }

    /** Asks the session at {@code socket} what it is. */
    static RemoteSession at(Path socket) throws IOException {
        return new RemoteSession(socket, ask(socket, out -> out.writeByte(Wire.VIEW), Wire::view));
    }

    /** What it said of itself when it was found. */
    public SessionView view() {
        return view;
    }

    /** What a session that takes its time is now. */
    public SessionView now() {
        return asked(out -> out.writeByte(Wire.VIEW), Wire::view);
    }

    /** A program's text, or nothing when there is no such program. */
    public Optional<ProgText> prog(String name) {
        return asked(
                out -> {
                    out.writeByte(Wire.PROG);
                    Wire.text(out, name);
                },
                in -> in.readInt() == Wire.UNKNOWN ? Optional.empty() : Optional.of(Wire.prog(in)));
    }

    /** Asks for one change or value. */
    public MapAccess.Answer call(MapRequest request) {
        return asked(
                out -> {
                    out.writeByte(Wire.CALL);
                    Wire.request(out, request);
                },
                in -> new MapAccess.Answer(in.readInt(), Wire.bytes(in)));
    }

    /** All that is in a map at about this moment: an errno, or 0. */
    public int entries(String map, MapAccess.EntryConsumer consumer) {
        return asked(
                out -> {
                    out.writeByte(Wire.ENTRIES);
                    Wire.text(out, map);
                },
                in -> {
                    for (int size = Wire.length(in); size != Wire.END; size = Wire.length(in)) {
                        consumer.accept(Wire.bytes(in, size), Wire.bytes(in));
                    }
                    return in.readInt();
                });
    }

    private interface Question {
        void write(DataOutputStream out) throws IOException;
    }

    private <T> T asked(Question question, Wire.Reader<T> answer) {
        try {
            return ask(socket, question, answer);
        } catch (IOException gone) {
            throw new GoneException("graft " + view.graft() + " does not answer any more", gone);
        }
    }

    private static <T> T ask(Path socket, Question question, Wire.Reader<T> answer) throws IOException {
        try (SocketChannel channel = SocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            try (Patience _ = new Patience(channel)) {
                channel.connect(UnixDomainSocketAddress.of(socket));
                DataOutputStream out =
                        new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel)));
                out.writeInt(Wire.VERSION);
                question.write(out);
                out.flush();
            }
            return answer.read(new DataInputStream(new BufferedInputStream(new PatientInput(channel))));
        }
    }

    /** What a process sends that may stop at any byte. */
    private static final class PatientInput extends FilterInputStream {
        private final SocketChannel channel;

        PatientInput(SocketChannel channel) {
            super(Channels.newInputStream(channel));
            this.channel = channel;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            try (Patience _ = new Patience(channel)) {
                return super.read(to, offset, length);
            }
        }
    }

    /** Closes a channel when it is not closed itself in time: whoever waits for the channel is told. */
    private static final class Patience implements AutoCloseable {
        private final CompletableFuture<Void> over = new CompletableFuture<>();

        Patience(SocketChannel channel) {
            over.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).exceptionally(_ -> close(channel));
        }

        @Override
        public void close() {
            over.complete(null);
        }

        private static Void close(SocketChannel channel) {
            try {
                channel.close();
            } catch (IOException _) {
                // It is closed all the same.
            }
            return null;
        }
    }
}
