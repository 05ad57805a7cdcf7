package graft.attach;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** One undo record on disk: complete and synced before the first byte of a target changes, deleted when it is undone. */
record Journal(Path file, UndoRecord undo) {
    static final String SUFFIX = ".journal";

    /** Of what is to stay in its target when the one that put it there has ended. */
    static final String KEPT_SUFFIX = ".kept";

    static Path defaultDirectory() {
        return RuntimeFolder.path();
    }

    /** Of what is not complete yet, behind the number of the process that writes it. */
    static final String UNFINISHED_SUFFIX = ".unfinished";

    /** It gets its name when it is complete: a recovery that runs meanwhile would take half of one for torn, and delete it. */
    static Journal write(Path directory, UndoRecord undo) {
        String name = undo.pid() + "-" + undo.startTime() + "-" + Long.toHexString(System.nanoTime());
        Path file = directory.resolve(name + SUFFIX);
        Path unfinished = directory.resolve(ProcessHandle.current().pid() + "-" + name + UNFINISHED_SUFFIX);
        try {
            RuntimeFolder.create(directory);
            try (FileChannel out =
                    FileChannel.open(unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(undo.text().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
            try (FileChannel folder = FileChannel.open(directory)) {
                folder.force(true);
            }
        } catch (IOException failed) {
            throw new UncheckedIOException("writing the undo journal " + file, failed);
        }
        return new Journal(file, undo);
    }

    /** The record outlives this process on purpose. */
    Path keep() {
        String name = file.getFileName().toString();
        Path kept = file.resolveSibling(name.substring(0, name.length() - SUFFIX.length()) + KEPT_SUFFIX);
        try {
            return Files.move(file, kept, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException failed) {
            throw new UncheckedIOException("keeping the undo journal " + file, failed);
        }
    }

    void delete() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException failed) {
            throw new UncheckedIOException("deleting the undo journal " + file, failed);
        }
    }
}
