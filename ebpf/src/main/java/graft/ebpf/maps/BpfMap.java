package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapLayout;
import graft.platform.linux.NativeFd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A live map: memory that this process and any number of targets share. Owns its descriptor and this process's mapping;
 * targets keep theirs after it is closed.
 */
public sealed interface BpfMap extends AutoCloseable permits ArrayMap, PerCpuArrayMap, HashTable, RingBuffer {
    /** The blueprint. */
    MapSpec spec();

    /** The memory's descriptor; stays owned by the map. */
    NativeFd fd();

    /** Bytes of address space that a target needs. */
    long regionSize();

    /** What a target maps, relative to the start of its region. */
    List<Piece> pieces();

    /** Address of the header for helpers, or 0 for maps without one, in a target whose region begins at {@code base}. */
    long headerAddress(long base);

    /** Address of the first value, element or record in a target whose region begins at {@code base}. */
    long dataAddress(long base);

    /** Bytes from one value to the next. */
    int stride();

    /** Bytes from one CPU's values to the next CPU's; 0 for maps that are not per CPU. */
    int cpuStride();

    /** Number of CPUs that have values of their own; 1 for maps that are not per CPU. */
    int cpus();

    /** {@code struct graft_map} for a target whose region begins at {@code base}. */
    default byte[] describe(long base) {
        ByteBuffer image = ByteBuffer.allocate(MapLayout.SIZE).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(MapLayout.TYPE, spec().type().number());
        image.putInt(MapLayout.KEY_SIZE, spec().keySize());
        image.putInt(MapLayout.VALUE_SIZE, spec().valueSize());
        image.putInt(MapLayout.MAX_ENTRIES, spec().maxEntries());
        image.putInt(MapLayout.FLAGS, spec().flags());
        image.putInt(MapLayout.STRIDE, stride());
        image.putLong(MapLayout.BASE, headerAddress(base));
        image.putLong(MapLayout.DATA, dataAddress(base));
        image.putInt(MapLayout.CPUS, cpus());
        image.putInt(MapLayout.CPU_STRIDE, cpuStride());
        return image.array();
    }

    @Override
    void close();
}
