package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.proc.Execution;
import graft.rewriter.Code;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;

/** Everything that is needed to take an attach back, without the daemon that made it. */
record UndoRecord(
        int pid,
        long startTime,
        String bootId,
        Execution execution,
        long daemonPid,
        long daemonStart,
        Hole hole,
        List<Range> ranges,
        List<Site> sites,
        List<Counter> counters) {
    private static final String MAGIC = "graft-journal 3";

    UndoRecord {
        ranges = List.copyOf(ranges);
        sites = List.copyOf(sites);
        counters = List.copyOf(counters);
    }

    /** The same with counters. */
    UndoRecord counting(List<Counter> more) {
        return new UndoRecord(pid, startTime, bootId, execution, daemonPid, daemonStart, hole, ranges, sites, more);
    }

    /** The same with other sites. */
    UndoRecord with(List<Site> others) {
        return new UndoRecord(
                pid, startTime, bootId, execution, daemonPid, daemonStart, hole, ranges, others, counters);
    }

    /** The same of a process that the target forked. */
    UndoRecord inheritedBy(int child, long childStart) {
        return new UndoRecord(
                child, childStart, bootId, execution, daemonPid, daemonStart, hole, ranges, sites, counters);
    }

    /** What a range of the target's memory was mapped for. */
    enum Kind {
        RUNTIME,
        POOL,
        REGION
    }

    /**
     * Memory that graft maps into the target.
     *
     * @param inode of the mapped file; 0 for a runtime region, which is known by the pool above it
     */
    record Range(Kind kind, RemoteAddress address, long size, long inode) {}

    /**
     * A patched place.
     *
     * @param inode of the file that was mapped there; 0 if that is not known
     */
    record Site(RemoteAddress address, Code oldBytes, Code newBytes, long inode) {}

    /**
     * A counter that is one higher meanwhile, and what it was before.
     *
     * @param inode of the file that was mapped there; 0 if that is not known
     */
    record Counter(RemoteAddress address, int before, long inode) {}

    /** A journal that cannot be used. {@code torn}: it was never completed, so the target was never changed. */
    record Unusable(Damage damage, String reason) {}

    /** How a journal is damaged. */
    enum Damage {
        TORN,
        CORRUPT
    }

    /** The text of the journal; the last line holds the checksum of all before it. */
    String text() {
        StringBuilder out = new StringBuilder(MAGIC).append('\n');
        out.append("target ")
                .append(pid)
                .append(' ')
                .append(startTime)
                .append(' ')
                .append(bootId)
                .append(' ')
                .append(execution.id())
                .append('\n');
        out.append("daemon ").append(daemonPid).append(' ').append(daemonStart).append('\n');
        out.append("hole ")
                .append(hole.address())
                .append(' ')
                .append(hex(hole.oldBytes()))
                .append('\n');
        for (Range range : ranges) {
            out.append("map ")
                    .append(range.kind())
                    .append(' ')
                    .append(range.address())
                    .append(' ');
            out.append(range.size()).append(' ').append(range.inode()).append('\n');
        }
        for (Site site : sites) {
            out.append("site ")
                    .append(site.address())
                    .append(' ')
                    .append(hex(site.oldBytes().bytes()));
            out.append(' ').append(hex(site.newBytes().bytes())).append(' ');
            out.append(site.inode()).append('\n');
        }
        for (Counter counter : counters) {
            out.append("counter ").append(counter.address()).append(' ');
            out.append(counter.before()).append(' ').append(counter.inode()).append('\n');
        }
        return out + "end " + Long.toHexString(checksum(out.toString())) + "\n";
    }

    /** Parses {@link #text}. @throws DamagedJournalException when that is not what it is */
    static UndoRecord parse(String text) {
        int end = text.lastIndexOf("end ");
        if (end < 0 || !text.endsWith("\n")) {
            throw new DamagedJournalException(new Unusable(
                    Damage.TORN, "it has no end line: it was never completed, and nothing was changed before it was"));
        }
        String sum = text.substring(end + 4).trim();
        if (!text.startsWith(MAGIC) || !sum.equals(Long.toHexString(checksum(text.substring(0, end))))) {
            throw new DamagedJournalException(
                    new Unusable(Damage.CORRUPT, "its checksum is not that of its content; nothing was touched"));
        }
        return new JournalParser(text.substring(0, end)).parse();
    }

    private static long checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return crc.getValue();
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
