package graft.tests.nginx;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A connection that is kept, so that every request on it is answered by one and the same worker. */
final class KeptConnection implements AutoCloseable {
    private static final int LIMIT_MILLIS = 20_000;
    private static final int LOCAL = 1;
    private static final int REMOTE = 2;
    private static final int INODE = 9;

    private final SSLSocket socket;
    private final BufferedReader answers;

    private KeptConnection(SSLSocket socket) throws IOException {
        this.socket = socket;
        this.answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    static KeptConnection to(int port) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new Anyone()}, new SecureRandom());
            SSLSocket socket =
                    (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(LIMIT_MILLIS);
            return new KeptConnection(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** The server's certificate is its own. */
    private static final class Anyone implements X509TrustManager {
        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    /** Asks for {@code /hello} and reads the answer. @return its last line */
    String hello() {
        try {
            socket.getOutputStream()
                    .write("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            for (String line = answers.readLine(); line != null; line = answers.readLine()) {
                if (line.isEmpty()) {
                    return answers.readLine();
                }
            }
            throw new AssertionError("the server closed the connection");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Which of {@code pids} holds the other end; to be asked after an answer. */
    int worker(List<Integer> pids) {
        try {
            String local = ":%04X".formatted(socket.getPort());
            String remote = ":%04X".formatted(socket.getLocalPort());
            String inode = Files.readAllLines(Path.of("/proc/net/tcp")).stream()
                    .map(line -> line.strip().split(" +"))
                    .filter(fields -> fields[LOCAL].endsWith(local) && fields[REMOTE].endsWith(remote))
                    .map(fields -> fields[INODE])
                    .findFirst()
                    .orElseThrow();
            return pids.stream()
                    .filter(pid -> WorkerState.of(pid).descriptors().containsValue("socket:[" + inode + "]"))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
