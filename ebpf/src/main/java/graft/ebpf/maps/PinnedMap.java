package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.NativeFd;
import graft.platform.linux.SysException;
import graft.platform.linux.Unistd;
import graft.platform.proc.ProcessStat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Maps whose memory is a file that outlives who made it. One process at a time has such a map open, for the kernel's lock on the
 * file ends with the process: so nobody else can be changing it while what a dead one left is finished.
 */
public final class PinnedMap {
    private static final int CHUNK = 1 << 20;

    /** Another process has the file's lock. */
    private static final class BusyException extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private PinnedMap() {}

    /**
     * Opens the map in {@code file}, or makes it. Closing the map leaves the file.
     *
     * @param btf the object's types, for whoever looks at the map later; empty without
     */
    public static MapCreation open(Path file, MapSpec spec, byte[] btf) {
        Optional<MapCreation.Refused> refused = MapRules.refusal(spec).or(() -> unpinnable(spec));
        if (refused.isPresent()) {
            return refused.get();
        }
        try {
            if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                make(file, spec, btf);
            }
            return existing(file, spec);
        } catch (BusyException _) {
            return new MapCreation.Refused(
                    spec, "another session uses its pin " + file, "end that session; graft map list shows it");
        } catch (IOException | SysException failed) {
            return new MapCreation.Refused(
                    spec, "its pin %s: %s".formatted(file, failed.getMessage()), "a smaller map, or remove the file");
        }
    }

    private static Optional<MapCreation.Refused> unpinnable(MapSpec spec) {
        return spec.type().isMemory()
                ? Optional.empty()
                : Optional.of(new MapCreation.Refused(
                        spec, "a map of type " + spec.type() + " cannot be pinned", "without pinning"));
    }

    /** All of the memory is there before anybody maps it: a hole that cannot be filled later would end a target. */
    private static void make(Path file, MapSpec spec, byte[] btf) throws IOException {
        removeUnfinished(file.getParent());
        long size = MapRules.regionBytes(spec);
        String name = ".%d-%x".formatted(ProcessHandle.current().pid(), System.nanoTime());
        Path fresh = file.resolveSibling(name);
        try {
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            try (FileChannel out = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                for (long left = size; left > 0; left -= CHUNK) {
                    write(out, new byte[(int) Math.min(left, CHUNK)]);
                }
                write(out, PinDefinition.of(spec, btf).bytes(size));
            }
            map(fresh, spec, MapRegion.Past.NEW).close();
            Files.createLink(file, fresh); // complete from its first moment
        } catch (FileAlreadyExistsException _) {
            // Somebody was faster.
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static void write(FileChannel out, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    /** What processes that were killed had begun. */
    private static void removeUnfinished(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                if (name.matches("\\.[0-9]{1,9}-[0-9a-f]+")
                        && isDead(Integer.parseInt(name.substring(1, name.indexOf('-'))))) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    private static MapCreation existing(Path file, MapSpec spec) throws IOException {
        Optional<PinDefinition> pinned = PinDefinition.read(file);
        Optional<String> why = pinned.map(definition -> definition.difference(spec))
                .orElseGet(() -> Optional.of(file + " is no pinned map"));
        if (why.isPresent()) {
            return new MapCreation.Refused(spec, why.get(), "remove " + file + ", or use another name");
        }
        RegionMap map = map(file, spec, MapRegion.Past.USED);
        for (int holder : map.lockHolders()) {
            if (isDead(holder) || holder == ProcessHandle.current().pid()) {
                map.releaseLocksOf(holder);
            }
        }
        return new MapCreation.Created(map);
    }

    private static boolean isDead(int pid) {
        return ProcessStat.find(pid).filter(stat -> !stat.processEnded()).isEmpty();
    }

    private static RegionMap map(Path file, MapSpec spec, MapRegion.Past past) throws IOException {
        NativeFd lock = Unistd.openFile(file.toString());
        try {
            if (!Unistd.tryLock(lock)) {
                throw new BusyException();
            }
            return MapMaker.make(spec, (_, size) -> {
                NativeFd memory = Unistd.openFile(file.toString());
                return MapRegion.pinned(memory, lock, size, past);
            });
        } catch (IOException | SysException failed) {
            lock.close();
            throw failed;
        }
    }
}
