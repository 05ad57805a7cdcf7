package graft.daemon.image;

import graft.uprobe.TargetModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Optional;

/** What tells a file from others, and from itself when it was changed. */
record FileKey(Object file, FileTime modified, long size) {
    static FileKey of(TargetModule module) {
        try {
            BasicFileAttributes about = Files.readAttributes(module.openablePath(), BasicFileAttributes.class);
            Object file = Optional.ofNullable(about.fileKey()).orElse(module.openablePath());
            return new FileKey(file, about.lastModifiedTime(), about.size());
        } catch (IOException e) {
            throw new UncheckedIOException("looking at " + module.path(), e);
        }
    }
}
