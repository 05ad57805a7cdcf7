package graft.cli.vm;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * The process that runs machine code which may do anything ({@code vm-runner.c}). Code that faults or does not end gives
 * an answer; code that destroys the process gives none. Closing ends the process.
 */
public final class Runner implements AutoCloseable {
    private static final int PLACES_BYTES = 32;
    private static final int REQUEST_BYTES = 32;
    private static final int ANSWER_BYTES = 16;

    private final Process process;
    private final OutputStream requests;
    private final DataInputStream answers;
    private final long codeAddress;
    private final long memoryAddress;

    private Runner(Process process) throws IOException {
        this.process = process;
        this.requests = process.getOutputStream();
        this.answers = new DataInputStream(process.getInputStream());
        ByteBuffer places = read(PLACES_BYTES);
        this.codeAddress = places.getLong(0);
        this.memoryAddress = places.getLong(16);
    }

    /** How a run ended; the order is that of {@code enum kind}. */
    public enum Kind {
        RETURNED,
        FAULTED,
        TIMED_OUT,
        BROKE_CONVENTION
    }

    /**
     * The end of one run.
     *
     * @param signal what stopped it, 0 when nothing did
     * @param value of the result register
     * @param memory as the code left it
     */
    public record Answer(Kind kind, int signal, long value, byte[] memory) {}

    /**
     * Starts the process. One at a time: a child that another thread forks meanwhile has the file open for writing until it
     * executes its own program, and a file that is being written cannot be executed (ETXTBSY).
     */
    public static synchronized Runner start() {
        try {
            Path program = extract();
            try {
                return new Runner(new ProcessBuilder(program.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
            } finally {
                Files.delete(program); // the process keeps it
            }
        } catch (IOException e) {
            throw new UncheckedIOException("starting the program runner", e);
        }
    }

    private static Path extract() throws IOException {
        try (InputStream in = Runner.class.getResourceAsStream("vm-runner")) {
            if (in == null) {
                throw new AssertionError("vm-runner is not packaged: the build did not compile it");
            }
            Path path = Files.createTempFile("graft-vm-runner-", "");
            Files.copy(in, path, StandardCopyOption.REPLACE_EXISTING);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
            return path;
        }
    }

    /** Where code will be. */
    public long codeAddress() {
        return codeAddress;
    }

    /** Where memory will be. */
    public long memoryAddress() {
        return memoryAddress;
    }

    /**
     * Runs {@code code} with the address and the length of a copy of {@code memory}.
     *
     * @return empty when the process has died of it: it is of no use any more
     */
    public Optional<Answer> run(byte[] code, byte[] memory, int limitMillis) {
        try {
            ByteBuffer request = buffer(REQUEST_BYTES + code.length + memory.length);
            request.putInt(code.length)
                    .putInt(memory.length)
                    .putInt(limitMillis)
                    .putInt(0);
            request.putLong(memory.length == 0 ? 0 : memoryAddress).putLong(memory.length);
            request.put(code).put(memory);
            requests.write(request.array());
            requests.flush();
            ByteBuffer answer = read(ANSWER_BYTES);
            byte[] after = read(memory.length).array();
            Kind kind = Kind.values()[answer.getInt(0)];
            return Optional.of(new Answer(kind, answer.getInt(4), answer.getLong(8), after));
        } catch (EOFException _) {
            return Optional.empty();
        } catch (IOException e) {
            if (process.isAlive()) {
                throw new UncheckedIOException("talking to the program runner", e);
            }
            return Optional.empty();
        }
    }

    private ByteBuffer read(int size) throws IOException {
        byte[] bytes = new byte[size];
        answers.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Ends the process. Safe to call twice. */
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
