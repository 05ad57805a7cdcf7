package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapConstants;
import graft.platform.layout.PerfLayout;
import graft.platform.layout.PerfLostLayout;
import graft.platform.layout.PerfPageLayout;
import graft.platform.linux.Sysconf;

/**
 * A perf event array with a buffer for each processor, in the layout that {@code perf_event_open(2)} maps: readers of the kernel's
 * buffers, as libbpf's, read these. Processes map all of it, and programs write as they do in the kernel. One reader, {@link
 * PerfBufferReader}, or one of the kernel's kind for each buffer.
 */
public final class PerfBuffers extends RegionMap {
    /** Of a processor: 64 pages, as tools ask of the kernel as a rule. */
    private static final int DATA_BYTES = 1 << 18;

    private static final int BUFFER_BYTES = PerfPageLayout.SIZE + DATA_BYTES;

    /** Of the length in a record's first word, behind its type and 16 bits that say where it happened. */
    private static final int LENGTH_SHIFT = 48;

    private final int cpus;
    private final PerfBufferReader reader;

    private PerfBuffers(MapSpec spec, int cpus) {
        super(spec, MapRegion.create(spec, MapConstants.PERF_PAGES_OFFSET + (long) cpus * BUFFER_BYTES));
        this.cpus = cpus;
        region.set(PerfLayout.ABI, MapConstants.ABI);
        region.set(PerfLayout.TYPE, spec.type().number());
        region.setLong(PerfLayout.DATA_SIZE, DATA_BYTES);
        region.set(PerfLayout.CPUS, cpus);
        for (int cpu = 0; cpu < cpus; cpu++) {
            region.setLong(page(cpu) + PerfPageLayout.DATA_OFFSET, PerfPageLayout.SIZE);
            region.setLong(page(cpu) + PerfPageLayout.DATA_SIZE, DATA_BYTES);
        }
        region.populate();
        this.reader = new PerfBufferReader(this);
    }

    /** Without {@code max_entries} one element for each processor, as libbpf has it. */
    static PerfBuffers create(MapSpec spec) {
        int processors = Sysconf.possibleCpus();
        int entries = spec.maxEntries() == 0 ? processors : spec.maxEntries();
        return new PerfBuffers(spec.sized(Integer.BYTES, Integer.BYTES, entries), Math.min(entries, processors));
    }

    MapRegion region() {
        return region;
    }

    /** How many there are. */
    public int cpus() {
        return cpus;
    }

    /** Bytes of data of each. */
    public int dataBytes() {
        return DATA_BYTES;
    }

    /** Where the buffer of a processor begins in the descriptor: a page and the data, as {@code mmap(2)} of the kernel's gives it. */
    public long page(int cpu) {
        return MapConstants.PERF_PAGES_OFFSET + (long) cpu * BUFFER_BYTES;
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress + page(0);
    }

    @Override
    public byte[] describe(long baseAddress) {
        return MapRegion.descriptor(
                spec,
                new MapRegion.Addresses(baseAddress, dataAddress(baseAddress)),
                new MapRegion.Strides(DATA_BYTES, BUFFER_BYTES, cpus));
    }

    /** The one reader. It must not be used after this map is closed. */
    public PerfBufferReader reader() {
        return reader;
    }

    /** The records lost so far, by cause, of all processors. */
    public RingLosses losses() {
        RingLosses all = RingLosses.NONE;
        for (int cpu = 0; cpu < cpus; cpu++) {
            all = all.plus(new RingLosses(
                    region.getLongAcquire(page(cpu) + PerfPageLayout.LOST_FULL),
                    region.getLongAcquire(page(cpu) + PerfPageLayout.LOST_BUSY),
                    region.getLongAcquire(page(cpu) + PerfPageLayout.LOST_REENTERED),
                    region.getLongAcquire(page(cpu) + PerfPageLayout.LOST_DEAD)));
        }
        return all;
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        int released = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
            if (LockWord.isHeldBy(region, page(cpu) + PerfPageLayout.LOCK, deadTgid)) {
                LockWord.release(region, page(cpu) + PerfPageLayout.LOCK);
                released++;
            }
        }
        return released;
    }

    /**
     * Makes records of one loss of those that a dead process began and did not complete, so that what is behind them can be read.
     * Its locks must be free.
     *
     * @param tgid its process id in the initial pid namespace
     * @return how many
     */
    public int ownerDied(int tgid) {
        int lost = 0;
        for (int cpu = 0; cpu < cpus; cpu++) {
            lost += ownerDied(cpu, tgid);
            advance(cpu);
        }
        reader.wake();
        return lost;
    }

    private int ownerDied(int cpu, int tgid) {
        int theirs = MapConstants.PERF_RECORD_BUSY | tgid & MapConstants.PERF_RECORD_OWNER;
        long at = region.getLongAcquire(page(cpu) + PerfPageLayout.DATA_HEAD);
        long end = region.getLongAcquire(page(cpu) + PerfPageLayout.RESERVED);
        int lost = 0;
        while (end - at > 0 && end - at <= DATA_BYTES && at % Long.BYTES == 0) {
            long word = region.getLongAcquire(word(cpu, at));
            long head = region.getLongAcquire(page(cpu) + PerfPageLayout.DATA_HEAD);
            long length = word >>> LENGTH_SHIFT;
            if (head > at) {
                at = head; // what was read here may be the inside of a newer record
            } else if (length < PerfLostLayout.SIZE) {
                break; // a damaged buffer
            } else {
                lost += (int) word == theirs && discard(cpu, at, word) ? 1 : 0;
                at += length;
            }
        }
        region.getAndAddLong(page(cpu) + PerfPageLayout.LOST_DEAD, lost);
        return lost;
    }

    private boolean discard(int cpu, long at, long word) {
        region.setLong(word(cpu, at + PerfLostLayout.ID), 0);
        region.setLong(word(cpu, at + PerfLostLayout.LOST), 1);
        long discarded = word >>> LENGTH_SHIFT << LENGTH_SHIFT | MapConstants.PERF_RECORD_LOST;
        return region.compareAndSetLong(word(cpu, at), word, discarded);
    }

    /** As the agent's. */
    private void advance(int cpu) {
        for (int steps = DATA_BYTES / PerfLostLayout.SIZE; steps > 0; steps--) {
            long head = region.getLongAcquire(page(cpu) + PerfPageLayout.DATA_HEAD);
            if (head == region.getLongAcquire(page(cpu) + PerfPageLayout.RESERVED) || head % Long.BYTES != 0) {
                return;
            }
            long word = region.getLongAcquire(word(cpu, head));
            if (((int) word & MapConstants.PERF_RECORD_BUSY) != 0) {
                return;
            }
            region.compareAndSetLong(page(cpu) + PerfPageLayout.DATA_HEAD, head, head + (word >>> LENGTH_SHIFT));
        }
    }

    private long word(int cpu, long position) {
        return page(cpu) + PerfPageLayout.SIZE + (position & DATA_BYTES - 1);
    }
}
