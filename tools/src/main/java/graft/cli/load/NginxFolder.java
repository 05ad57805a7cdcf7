package graft.cli.load;

import graft.cli.error.Problem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;

/** Everything one server reads and writes, in one temporary folder. */
record NginxFolder(Path path) {
    private static final String CONFIGURATION = """
            %s
            worker_processes 2;
            daemon on;
            pid nginx.pid;
            error_log error.log warn;
            worker_shutdown_timeout 1s;
            events { worker_connections 1024; }
            http {
              access_log off;
              default_type text/plain;
              client_body_temp_path body;
              proxy_temp_path proxy;
              fastcgi_temp_path fastcgi;
              uwsgi_temp_path uwsgi;
              scgi_temp_path scgi;
              sendfile on;
              keepalive_timeout 60s;
              keepalive_requests 100000000;
              server {
                listen 127.0.0.1:%d ssl reuseport;
                server_name localhost;
                ssl_certificate cert.pem;
                ssl_certificate_key key.pem;
                root html;
              }
            }
            """;

    /** Makes the folder with certificate and bodies. The configuration follows with {@link #configure}. */
    static NginxFolder create() {
        try {
            NginxFolder folder = new NginxFolder(Files.createTempDirectory("graft-nginx-"));
            // The workers run as another user and read the bodies.
            Files.setPosixFilePermissions(folder.path, PosixFilePermissions.fromString("rwxr-xr-x"));
            Path html = Files.createDirectory(folder.path.resolve("html"));
            for (Body body : Body.values()) {
                Files.write(html.resolve(body.file()), body.content());
            }
            folder.makeCertificate();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("making the test server's folder", e);
        }
    }

    private void makeCertificate() {
        ToolRun run = ToolRun.of(
                Duration.ofSeconds(20),
                "openssl",
                List.of(
                        "req",
                        "-x509",
                        "-newkey",
                        "ec",
                        "-pkeyopt",
                        "ec_paramgen_curve:prime256v1",
                        "-nodes",
                        "-days",
                        "2",
                        "-subj",
                        "/CN=localhost",
                        "-keyout",
                        path.resolve("key.pem").toString(),
                        "-out",
                        path.resolve("cert.pem").toString()));
        if (run.status() != 0) {
            throw Problem.of("D013", "openssl made no certificate for the test server")
                    .because(run.output().strip())
                    .failure();
        }
    }

    Path configuration() {
        return path.resolve("nginx.conf");
    }

    Path errorLog() {
        return path.resolve("error.log");
    }

    Path pidFile() {
        return path.resolve("nginx.pid");
    }

    /** Only root may choose the workers' user; nginx would log a warning for others. */
    void configure(int port) {
        String user = "root".equals(System.getProperty("user.name")) ? "user www-data;" : "";
        try {
            Files.writeString(configuration(), CONFIGURATION.formatted(user, port));
        } catch (IOException e) {
            throw new UncheckedIOException("writing the test server's configuration", e);
        }
    }

    String errors() {
        try {
            return Files.exists(errorLog()) ? Files.readString(errorLog(), StandardCharsets.ISO_8859_1) : "";
        } catch (IOException e) {
            throw new UncheckedIOException("reading the test server's error log", e);
        }
    }

    void delete() {
        try {
            Files.walkFileTree(path, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                    Files.delete(file);
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(Path folder, IOException failure) throws IOException {
                    Files.delete(folder);
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException("removing the test server's folder", e);
        }
    }
}
