package graft.cli.bench.maps;

import graft.bridge.KernelMap;
import graft.bridge.KernelRingBuffer;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.TreeMap;

/** A map of a kernel program. The map is borrowed; owns what reads it. */
record KernelSide(KernelMap map, Optional<KernelRingBuffer> ring) implements MapSide {
    static KernelSide of(KernelMap map) {
        boolean isRing = map.spec().type() == MapType.RINGBUF;
        return new KernelSide(map, isRing ? Optional.of(KernelRingBuffer.open(map)) : Optional.empty());
    }

    @Override
    public MapSpec spec() {
        return map.spec();
    }

    @Override
    public int valueBytes() {
        return map.lookupSize();
    }

    @Override
    public void update(byte[] key, byte[] value) {
        map.update(key, value, 0);
    }

    @Override
    public TreeMap<Long, byte[]> contents() {
        TreeMap<Long, byte[]> contents = new TreeMap<>();
        if (ring.isPresent()) {
            ring.get().drain(record -> contents.put((long) contents.size(), record.toArray(ValueLayout.JAVA_BYTE)));
        } else {
            map.keys().forEach(key -> put(contents, key, map.lookup(key).orElseThrow()));
        }
        return contents;
    }

    @Override
    public int drain() {
        return ring.map(reader -> reader.drain(_ -> {})).orElse(0);
    }

    @Override
    public void close() {
        ring.ifPresent(KernelRingBuffer::close);
    }
}
