package graft.cli.bench.maps;

import graft.ebpf.maps.ArenaMap;
import graft.ebpf.maps.BloomFilter;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.QueueMap;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.TaskStorageMap;
import graft.ebpf.maps.UserRingBuffer;
import graft.ebpf.object.MapSpec;
import java.lang.foreign.ValueLayout;
import java.util.TreeMap;

/** A map of the session. Borrowed. */
record ProcessSide(BpfMap map) implements MapSide {
    @Override
    public MapSpec spec() {
        return map.spec();
    }

    @Override
    public int valueBytes() {
        return keyed().valueBytes();
    }

    private KeyedMap keyed() {
        return switch (map) {
            case KeyedMap keyed -> keyed;
            case RingBuffer _,
                    PerfBuffers _,
                    ArenaMap _,
                    QueueMap _,
                    BloomFilter _,
                    TaskStorageMap _,
                    UserRingBuffer _ -> throw new IllegalArgumentException(spec().name() + " has no keys");
        };
    }

    @Override
    public void update(byte[] key, byte[] value) {
        int result = keyed().update(key, value, KeyedMap.ANY);
        if (result != 0) {
            throw new IllegalStateException("filling %s: %d".formatted(spec().name(), result));
        }
    }

    @Override
    public TreeMap<Long, byte[]> contents() {
        TreeMap<Long, byte[]> contents = new TreeMap<>();
        switch (map) {
            case KeyedMap keyed ->
                keyed.keys().forEach(key -> put(contents, key, keyed.lookup(key).orElseThrow()));
            case ArenaMap _, QueueMap _, BloomFilter _, TaskStorageMap _, UserRingBuffer _ -> {}
            case PerfBuffers buffers ->
                buffers.reader()
                        .drain(
                                (_, record) ->
                                        contents.put((long) contents.size(), record.toArray(ValueLayout.JAVA_BYTE)),
                                Integer.MAX_VALUE);
            case RingBuffer ring ->
                ring.drain(
                        record -> contents.put((long) contents.size(), record.toArray(ValueLayout.JAVA_BYTE)),
                        Integer.MAX_VALUE);
        }
        return contents;
    }

    @Override
    public int drain() {
        return switch (map) {
            case KeyedMap _, ArenaMap _, QueueMap _, BloomFilter _, TaskStorageMap _, UserRingBuffer _ -> 0;
            case RingBuffer ring -> ring.drain(_ -> {}, Integer.MAX_VALUE);
            case PerfBuffers buffers -> buffers.reader().drain((_, _) -> {}, Integer.MAX_VALUE);
        };
    }

    @Override
    public void close() {} // borrowed
}
