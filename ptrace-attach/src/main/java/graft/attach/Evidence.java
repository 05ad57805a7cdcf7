package graft.attach;

import graft.attach.DetachProof.Census;
import graft.attach.DetachProof.Page;
import graft.platform.address.RemoteAddress;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessStatus;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Facts that prove an undo: page hashes, counts. Reads only. */
final class Evidence {
    private static final int PAGE = 4096;

    private Evidence() {}

    static String bootId() {
        try {
            return Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).trim();
        } catch (IOException failed) {
            throw new UncheckedIOException("reading the boot id", failed);
        }
    }

    static Census census(int pid) {
        ProcessStatus status = ProcessStatus.find(pid)
                .orElseThrow(() -> new TraceeGoneException(pid, "counting its threads and descriptors"));
        String[] descriptors = new File("/proc/" + pid + "/fd").list();
        return new Census(
                status.threads(),
                descriptors == null ? 0 : descriptors.length,
                ProcMaps.read(pid).mappings().size(),
                status.residentBytes());
    }

    /** Hashes every page that the sites touch, in memory and in the mapped file. */
    static List<Page> pages(Target target, List<UndoRecord.Site> sites) {
        ProcMaps maps = ProcMaps.read(target.pid());
        return sites.stream()
                .flatMap(site -> java.util.stream.Stream.of(
                        site.address().value() & -PAGE,
                        site.address().value() + site.oldBytes().length() - 1 & -PAGE))
                .distinct()
                .map(page -> page(target, maps, new RemoteAddress(page)))
                .toList();
    }

    private static Page page(Target target, ProcMaps maps, RemoteAddress address) {
        String memory = sha256(target.memory().readBytes(address, PAGE));
        return new Page(
                address,
                memory,
                maps.at(address).flatMap(m -> file(maps, m, address)).orElse(""));
    }

    private static Optional<String> file(ProcMaps maps, MemoryMapping mapping, RemoteAddress address) {
        Optional<Path> path = maps.all().openablePath(mapping);
        if (path.isEmpty()) {
            return Optional.empty();
        }
        try (RandomAccessFile file = new RandomAccessFile(path.get().toFile(), "r")) {
            byte[] bytes = new byte[PAGE];
            file.seek(mapping.offset().value() + address.minus(mapping.start()));
            int done = 0;
            for (int n = 0; n >= 0 && done < PAGE; n = file.read(bytes, done, PAGE - done)) {
                done += n;
            }
            return Optional.of(sha256(bytes));
        } catch (IOException unreadable) {
            return Optional.empty();
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every Java has SHA-256", impossible);
        }
    }
}
