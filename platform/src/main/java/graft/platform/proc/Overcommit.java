package graft.platform.proc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel promises of memory that is not there: {@code vm.overcommit_memory}, in the order of its numbers. */
public enum Overcommit {
    /** What looks possible. */
    HEURISTIC,
    /** Anything. */
    ALWAYS,
    /** Nothing: mapped memory counts, whether it is used or not. */
    NEVER;

    private static final Path FILE = Path.of("/proc/sys/vm/overcommit_memory");

    /** This machine's. */
    public static Overcommit ofThisMachine() {
        try (BufferedReader file = Files.newBufferedReader(FILE)) {
            return values()[Integer.parseInt(file.readLine())];
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + FILE, e);
        }
    }
}
