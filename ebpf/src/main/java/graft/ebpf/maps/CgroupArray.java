package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.CgroupDirectory;
import graft.platform.linux.Errno;
import graft.platform.linux.Sysconf;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * An array of control groups, which programs ask whether their thread is in one of ({@code bpf_current_task_under_cgroup}). To
 * bpf(2) values are descriptors of the groups' directories, and cannot be looked up; in memory they are the groups' ids, which no
 * other group ever gets, 0 where there is none. Only the daemon changes it.
 */
public final class CgroupArray extends RegionMap implements KeyedMap {
    private static final long NO_GROUP = 0;

    private final ArrayIndex indices;

    private CgroupArray(MapSpec spec, MapRegion region) {
        super(spec, region);
        this.indices = new ArrayIndex(spec.maxEntries());
    }

    static CgroupArray create(MapSpec spec, MapMemory memory) {
        return new CgroupArray(spec, memory.region(spec, Sysconf.wholePages((long) spec.maxEntries() * Long.BYTES)));
    }

    /** The id of the group at an index, or nothing. */
    public OptionalLong id(int index) {
        long id = indices.isInside(index) ? region.getLongAcquire(at(index)) : NO_GROUP;
        return id == NO_GROUP ? OptionalLong.empty() : OptionalLong.of(id);
    }

    /**
     * Puts the group with an id at an index.
     *
     * @return 0 or a negated errno: {@code EPERM} when it is frozen, {@code EINVAL} for flags, {@code E2BIG} for an index outside
     */
    public int put(int index, long id, long flags) {
        int refused = refusal(index, flags);
        if (refused == 0) {
            region.setLongRelease(at(index), id);
        }
        return refused;
    }

    private int refusal(int index, long flags) {
        if (isFrozen()) {
            return -Errno.EPERM;
        }
        if (flags != ANY) {
            return -Errno.EINVAL;
        }
        return indices.isInside(index) ? 0 : -Errno.E2BIG;
    }

    private static long at(int index) {
        return (long) index * Long.BYTES;
    }

    /** Of 4 bytes, a descriptor. */
    @Override
    public int valueBytes() {
        return spec.valueSize();
    }

    /** The kernel gives no descriptors back: {@link #id} tells what is in it. */
    @Override
    public Optional<byte[]> lookup(byte[] key) {
        return Optional.empty();
    }

    /**
     * Puts a group in.
     *
     * @param value a descriptor of this process, of the group's directory
     * @return as {@link #put}, and {@code EBADF} and {@code ENOENT} as {@link CgroupDirectory#idOf(int)}
     */
    @Override
    public int update(byte[] key, byte[] value, long flags) {
        MapBytes.requireSize(value, valueBytes(), "the value");
        int index = indices.of(key);
        int refused = refusal(index, flags);
        if (refused != 0) {
            return refused;
        }
        long id = CgroupDirectory.idOf(MapBytes.intAt(value, 0));
        return id < 0 ? (int) id : put(index, id, flags);
    }

    @Override
    public int delete(byte[] key) {
        int index = indices.of(key);
        int refused = refusal(index, ANY);
        if (refused == 0 && id(index).isEmpty()) {
            return -Errno.ENOENT;
        }
        return refused == 0 ? put(index, NO_GROUP, ANY) : refused;
    }

    @Override
    public Optional<byte[]> firstKey() {
        return Optional.of(MapBytes.ofInt(0));
    }

    @Override
    public Optional<byte[]> nextKey(byte[] key) {
        return indices.after(key);
    }

    @Override
    public List<byte[]> keys() {
        return indices.all();
    }

    @Override
    public List<Piece> pieces() {
        return List.of(new Piece(region.fileOffset(), region.size(), 0, MapSpec.Access.READ_ONLY));
    }

    @Override
    public long dataAddress(long baseAddress) {
        return baseAddress;
    }

    @Override
    public int stride() {
        return Long.BYTES;
    }

    @Override
    public int releaseLocksOf(int deadTgid) {
        return 0;
    }
}
