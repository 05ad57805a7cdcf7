package graft.platform.proc;

import graft.platform.address.FileOffset;
import graft.platform.address.RemoteAddress;
import java.util.Optional;

/**
 * One line of {@code /proc/PID/maps}.
 *
 * @param permissions four characters, for example {@code r-xp}
 * @param offset where {@code start} is in the file
 * @param device {@code major:minor} in hexadecimal
 * @param inode 0 for anonymous memory
 * @param path the file as the process sees it, or a name such as {@code [stack]}; nothing for anonymous memory
 * @param deleted whether the file has no name any more
 */
public record MemoryMapping(
        RemoteAddress start,
        RemoteAddress end,
        String permissions,
        FileOffset offset,
        String device,
        long inode,
        Optional<String> path,
        boolean deleted) {
    private static final String DELETED = " (deleted)";

    static MemoryMapping parse(String line) {
        String[] fields = line.split(" +", 6);
        String[] range = fields[0].split("-");
        long inode = Long.parseLong(fields[4]);
        String name = fields.length > 5 ? fields[5].replace("\\012", "\n") : "";
        boolean deleted = inode != 0 && name.endsWith(DELETED);
        String path = deleted ? name.substring(0, name.length() - DELETED.length()) : name;
        return new MemoryMapping(
                new RemoteAddress(Long.parseUnsignedLong(range[0], 16)),
                new RemoteAddress(Long.parseUnsignedLong(range[1], 16)),
                fields[1],
                new FileOffset(Long.parseUnsignedLong(fields[2], 16)),
                fields[3],
                inode,
                path.isEmpty() ? Optional.empty() : Optional.of(path),
                deleted);
    }

    /** Whether the process may run code here. */
    public boolean isExecutable() {
        return permissions.charAt(2) == 'x';
    }

    /** Whether the process may write here. */
    public boolean isWritable() {
        return permissions.charAt(1) == 'w';
    }

    /** Whether a file is mapped, rather than anonymous memory or something of the kernel's. */
    public boolean isFile() {
        return inode != 0 && path.isPresent();
    }

    /** Whether an address is inside. */
    public boolean contains(RemoteAddress address) {
        return address.compareTo(start) >= 0 && address.compareTo(end) < 0;
    }

    /** Bytes. */
    public long size() {
        return end.minus(start);
    }
}
