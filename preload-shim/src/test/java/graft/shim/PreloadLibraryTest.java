package graft.shim;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.layout.HelloLayout;
import graft.platform.layout.PreloadConstants;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PreloadLibraryTest {
    private static final String CLEAN = """
            program unset unset yes 3
            child unset unset yes 3
            """;

    @TempDir
    static Path folder;

    private static Path library;
    private static Path program;

    @BeforeAll
    static void buildProgram() throws IOException, InterruptedException {
        library = Files.write(folder.resolve("graft-preload.so"), ShimResource.PRELOAD.bytes());
        program = folder.resolve("environment");
        Path source = folder.resolve("environment.c");
        try (InputStream in = PreloadLibraryTest.class.getResourceAsStream("environment.c")) {
            Files.copy(in, source);
        }
        Process compiler = new ProcessBuilder("gcc", "-O1", "-o", program.toString(), source.toString())
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
    }

    @Test
    void waitsForTheAnswerBeforeMain() throws Exception {
        Path path = folder.resolve("answered");
        try (ServerSocketChannel server = listen(path)) {
            Process process = start(path, library.toString());
            try (SocketChannel connection = server.accept()) {
                ByteBuffer hello = readHello(connection);
                assertThat(hello.getInt(HelloLayout.MAGIC)).isEqualTo(PreloadConstants.HELLO_MAGIC);
                assertThat(hello.getInt(HelloLayout.ABI)).isEqualTo(PreloadConstants.ABI);
                assertThat(hello.getInt(HelloLayout.PID)).isEqualTo((int) process.pid());
                assertThat(hello.getInt(HelloLayout.TID)).isEqualTo((int) process.pid());
                assertThat(process.getInputStream().available()).isZero();
                connection.write(ByteBuffer.wrap(new byte[] {1}));
                assertThat(outputOf(process)).isEqualTo(CLEAN);
            }
        }
    }

    @Test
    void runsMainWhenTheDaemonHangsUp() throws Exception {
        Path path = folder.resolve("closed");
        try (ServerSocketChannel server = listen(path)) {
            Process process = start(path, library.toString());
            server.accept().close();
            assertThat(outputOf(process)).isEqualTo(CLEAN);
        }
    }

    @Test
    void runsMainWhenNobodyListens() throws Exception {
        assertThat(outputOf(start(folder.resolve("absent"), library.toString())))
                .isEqualTo(CLEAN);
        Path left = folder.resolve("left");
        listen(left).close();
        assertThat(outputOf(start(left, library.toString()))).isEqualTo(CLEAN);
    }

    @Test
    @Tag("slow")
    void runsMainWhenNobodyAnswers() throws Exception {
        Path path = folder.resolve("silent");
        try (ServerSocketChannel server = listen(path)) {
            Process process = start(path, library.toString());
            try (SocketChannel connection = server.accept()) {
                readHello(connection);
                assertThat(outputOf(process)).isEqualTo(CLEAN);
            }
        }
    }

    @Test
    void runsMainWhenThePathIsTooLong() throws Exception {
        assertThat(outputOf(start(folder.resolve("x".repeat(200)), library.toString())))
                .isEqualTo(CLEAN);
    }

    @Test
    void keepsOtherPreloadedLibraries() throws Exception {
        Path other = Files.copy(library, folder.resolve("other-graft-preload.so"));
        String list = "%s %s:%s".formatted(other, library, other);
        assertThat(outputOf(start(folder.resolve("absent"), list))).isEqualTo("""
                        program unset %1$s:%1$s yes 3
                        child unset %1$s:%1$s yes 3
                        """.formatted(other));
    }

    @Test
    void leavesTheEnvironmentAloneWithoutASocket() throws Exception {
        ProcessBuilder builder = new ProcessBuilder(program.toString());
        builder.environment().putAll(Map.of("LD_PRELOAD", library.toString(), "KEPT", "yes"));
        String seen = "%%s unset %s yes 3\n".formatted(library);
        assertThat(outputOf(builder.start())).isEqualTo(seen.formatted("program") + seen.formatted("child"));
    }

    @Test
    void isIgnoredByAStaticProgram() throws Exception {
        Path statically = folder.resolve("static");
        Process compiler = new ProcessBuilder("gcc", "-static", "-o", statically.toString(), program + ".c")
                .inheritIO()
                .start();
        assertThat(compiler.waitFor()).isZero();
        ProcessBuilder builder = new ProcessBuilder(statically.toString(), "static");
        builder.environment().putAll(Map.of("LD_PRELOAD", library.toString(), "GRAFT_SOCKET", "/s", "KEPT", "yes"));
        assertThat(outputOf(builder.start())).isEqualTo("static /s %s yes 3\n".formatted(library));
    }

    private static ServerSocketChannel listen(Path path) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        return server;
    }

    private static Process start(Path socket, String preload) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(program.toString()).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().clear();
        builder.environment().putAll(Map.of("GRAFT_SOCKET", socket.toString(), "LD_PRELOAD", preload, "KEPT", "yes"));
        return builder.start();
    }

    private static ByteBuffer readHello(SocketChannel connection) throws IOException {
        ByteBuffer hello = ByteBuffer.allocate(HelloLayout.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        while (hello.hasRemaining() && connection.read(hello) >= 0) {
            assertThat(hello.position()).isPositive();
        }
        assertThat(hello.hasRemaining()).isFalse();
        return hello;
    }

    private static String outputOf(Process process) throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        return output;
    }
}
