package graft.cli.bench.maps;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.stream.LongStream;

/** The map of one row on one side, in the process or in the kernel. */
interface MapSide extends AutoCloseable {
    MapSpec spec();

    /** Bytes of a value as it is written and read here. */
    int valueBytes();

    void update(byte[] key, byte[] value);

    /** What is in it: keys with values, or records by their place in the ring, which are taken out. */
    TreeMap<Long, byte[]> contents();

    /** Takes all records out; how many there were. */
    int drain();

    @Override
    void close();

    /** Gives it the keys that its row wants, each with three times itself in each word of the value, on every processor. */
    default void fill(MapRow.Filled filled) {
        LongStream.range(filled.first(), (long) filled.first() + filled.keys()).forEach(key -> {
            byte[] value = new byte[valueBytes()];
            ByteBuffer words = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
            while (words.hasRemaining()) {
                words.putLong(3 * key);
            }
            byte[] all = new byte[Long.BYTES];
            ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putLong(key);
            update(Arrays.copyOf(all, spec().keySize()), value);
        });
    }

    private byte[] comparable(byte[] value) {
        MapType type = spec().type();
        return type.isPerProcessor() ? sum(value) : value;
    }

    private static byte[] sum(byte[] value) {
        ByteBuffer numbers = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        long sum = 0;
        while (numbers.hasRemaining()) {
            sum += numbers.getLong();
        }
        return ByteBuffer.allocate(Long.BYTES).putLong(sum).array();
    }

    /** Adds a key with a value that does not depend on the processor: per-CPU maps give the sum. */
    default void put(TreeMap<Long, byte[]> contents, byte[] key, byte[] value) {
        long number = ByteBuffer.wrap(Arrays.copyOf(key, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        contents.put(number, comparable(value));
    }
}
