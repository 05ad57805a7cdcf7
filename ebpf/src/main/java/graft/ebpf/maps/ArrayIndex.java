package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.linux.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What arrays do with keys, as the kernel: an index in 4 bytes. */
record ArrayIndex(int entries) {
    int of(byte[] key) {
        MapBytes.requireSize(key, Integer.BYTES, "an array's key");
        return MapBytes.intAt(key, 0);
    }

    boolean isInside(int index) {
        return Integer.compareUnsigned(index, entries) < 0;
    }

    void require(int index, MapSpec spec) {
        if (!isInside(index)) {
            throw new IndexOutOfBoundsException("index " + index + " of " + entries + " in map " + spec.name());
        }
    }

    /** 0 when an update may store, else a negated errno. */
    int refuseUpdate(int index, long flags) {
        if (Long.compareUnsigned(flags, KeyedMap.EXIST) > 0) {
            return -Errno.EINVAL;
        }
        if (!isInside(index)) {
            return -Errno.E2BIG;
        }
        return flags == KeyedMap.NOEXIST ? -Errno.EEXIST : 0;
    }

    Optional<byte[]> after(byte[] key) {
        int index = of(key);
        if (!isInside(index)) {
            return Optional.of(MapBytes.ofInt(0));
        }
        return index == entries - 1 ? Optional.empty() : Optional.of(MapBytes.ofInt(index + 1));
    }

    List<byte[]> all() {
        List<byte[]> keys = new ArrayList<>(entries);
        for (int index = 0; index < entries; index++) {
            keys.add(MapBytes.ofInt(index));
        }
        return keys;
    }
}
