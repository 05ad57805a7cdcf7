package graft.attach;

import graft.platform.address.RemoteAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The mappings of a process, ascending. */
record ProcMaps(List<Mapping> mappings) {
    private static final long LOWEST = 0x10000000L;
    private static final long HIGHEST = 0x7f0000000000L;
    private static final long MARGIN = 0x200000;

    /** One line of {@code /proc/PID/maps}. */
    record Mapping(long start, long end, String protection, long offset, String path) {
        boolean executable() {
            return protection.charAt(2) == 'x';
        }

        boolean contains(long address) {
            return address >= start && address < end;
        }
    }

    /** @throws TraceeGoneException when there are none any more */
    static ProcMaps read(int pid) {
        try {
            List<Mapping> all =
                    Files.readAllLines(Path.of("/proc/" + pid + "/maps"), StandardCharsets.ISO_8859_1).stream()
                            .map(ProcMaps::parse)
                            .filter(mapping -> mapping.start >= 0)
                            .toList();
            if (!all.isEmpty()) {
                return new ProcMaps(all);
            }
        } catch (IOException gone) {
            // Falls through: the process has no memory any more.
        }
        throw new TraceeGoneException(pid, "reading its mappings");
    }

    private static Mapping parse(String line) {
        String[] fields = line.split(" +", 6);
        int dash = fields[0].indexOf('-');
        return new Mapping(
                Long.parseUnsignedLong(fields[0].substring(0, dash), 16),
                Long.parseUnsignedLong(fields[0].substring(dash + 1), 16),
                fields[1],
                Long.parseUnsignedLong(fields[2], 16),
                fields.length == 6 ? fields[5] : "");
    }

    Optional<Mapping> at(RemoteAddress address) {
        return mappings.stream().filter(m -> m.contains(address.value())).findFirst();
    }

    /** The first mapping that overlaps the range. */
    Optional<Mapping> overlapping(RemoteAddress address, long size) {
        return mappings.stream()
                .filter(m -> m.start < address.value() + size && address.value() < m.end)
                .findFirst();
    }

    /** A page that is free now, far from growing stacks and heaps. */
    RemoteAddress freePage() {
        for (int i = mappings.size() - 1; i > 0; i--) {
            long low = mappings.get(i - 1).end;
            long high = mappings.get(i).start;
            if (high < HIGHEST && low > LOWEST && high - low > 2 * MARGIN) {
                return new RemoteAddress(high - MARGIN & -4096L);
            }
        }
        return new RemoteAddress(LOWEST);
    }
}
