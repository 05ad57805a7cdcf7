package graft.platform.proc;

import graft.platform.address.RemoteAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The address space of a process, as it was when read; empty for a process that has ended but was not waited for. */
public record ProcessMaps(int pid, List<MemoryMapping> mappings) {

    /** @throws NoSuchProcessException when there is no such process */
    public static ProcessMaps of(int pid) {
        return parse(pid, ProcFile.read(pid, "maps"));
    }

    /** From the text of {@code /proc/PID/maps}. */
    public static ProcessMaps parse(int pid, String text) {
        List<MemoryMapping> mappings = text.lines().map(MemoryMapping::parse).toList();
        return new ProcessMaps(pid, mappings);
    }

    /** The mapping that an address is in. */
    public Optional<MemoryMapping> containing(RemoteAddress address) {
        return mappings.stream().filter(mapping -> mapping.contains(address)).findFirst();
    }

    /** All mappings of one file, by the path that the process sees. */
    public List<MemoryMapping> ofFile(String path) {
        return mappings.stream()
                .filter(mapping ->
                        mapping.isFile() && mapping.path().filter(path::equals).isPresent())
                .toList();
    }

    /**
     * A path under which the file of a mapping can be opened from here: through the process's root directory while its
     * name still leads to the same inode, otherwise through {@code /proc/PID/map_files} (which needs privileges).
     */
    public Optional<Path> openablePath(MemoryMapping mapping) {
        if (!mapping.isFile()) {
            return Optional.empty();
        }
        return throughRoot(mapping).or(() -> Optional.of(throughMapFiles(mapping)));
    }

    /**
     * For whoever could not read something of the process: whether that is because it has ended.
     *
     * @throws NoSuchProcessException when it has
     */
    public void requireProcess() {
        boolean runs = ProcessStatus.find(pid)
                .filter(status -> status.state() != 'Z' && status.state() != 'X')
                .isPresent();
        if (!runs) {
            throw new NoSuchProcessException(pid);
        }
    }

    private Optional<Path> throughRoot(MemoryMapping mapping) {
        if (mapping.deleted()) {
            return Optional.empty();
        }
        try {
            Path path = Path.of("/proc/" + pid + "/root" + mapping.path().orElseThrow());
            Object inode = Files.getAttribute(path, "unix:ino");
            return inode.equals(mapping.inode()) ? Optional.of(path) : Optional.empty();
        } catch (IOException | InvalidPathException e) {
            return Optional.empty();
        }
    }

    private Path throughMapFiles(MemoryMapping mapping) {
        String name = Long.toHexString(mapping.start().value())
                + "-"
                + Long.toHexString(mapping.end().value());
        return ProcFile.path(pid, "map_files").resolve(name);
    }
}
