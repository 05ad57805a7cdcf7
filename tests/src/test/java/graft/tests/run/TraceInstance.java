package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A trace buffer of the kernel's own, into which some of what programs print goes, beside the one that all share. Needs root. */
final class TraceInstance implements AutoCloseable {
    private static final Path TRACEFS = Path.of("/sys/kernel/tracing");
    private static final String EVENT = "events/bpf_trace/bpf_trace_printk";

    private final Path folder;

    /** @param filter of the kernel's: {@code common_pid == 1} */
    TraceInstance(String filter) throws IOException {
        if (!Files.exists(TRACEFS.resolve("instances"))) {
            Process mount = new ProcessBuilder("mount", "-t", "tracefs", "tracefs", TRACEFS.toString())
                    .inheritIO()
                    .start();
            assertThat(mount.onExit().join().exitValue()).isZero();
        }
        folder = Files.createDirectory(TRACEFS.resolve(
                "instances/graft-tests-" + ProcessHandle.current().pid() + "-" + System.nanoTime()));
        Files.writeString(folder.resolve(EVENT + "/filter"), filter);
        Files.writeString(folder.resolve(EVENT + "/enable"), "1");
    }

    /** What is in it, as {@code trace_pipe} would show it. */
    String text() throws IOException {
        return Files.readString(folder.resolve("trace")).replaceAll("(?m)^#.*\n", "");
    }

    @Override
    public void close() {
        try {
            Files.writeString(folder.resolve(EVENT + "/enable"), "0");
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
