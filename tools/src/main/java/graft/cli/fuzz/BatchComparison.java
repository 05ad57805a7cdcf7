package graft.cli.fuzz;

import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.LpmTrie;
import graft.ebpf.maps.MapBatches;
import graft.ebpf.maps.MapBatches.Changed;
import graft.ebpf.maps.MapBatches.Found;
import graft.platform.linux.Bpf;
import graft.platform.linux.Bpf.BatchCommand;
import graft.platform.linux.Errno;
import graft.platform.linux.NativeFd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The same operations on many elements of a map of graft's and of one of the kernel's. */
final class BatchComparison implements AutoCloseable {
    private static final int LARGEST = 6;
    private static final int EMPTIED_OF = 8;

    private final KeyedMap ours;
    private final MapBatches batches;
    private final NativeFd kernel;
    private final Random random;
    private final Arena arena = Arena.ofConfined();
    private final int valueBytes;
    private final int most;
    private final MemorySegment keys;
    private final MemorySegment values;
    private final MemorySegment from;
    private final MemorySegment next;

    BatchComparison(KeyedMap ours, NativeFd kernel, int keys, Random random) {
        this.ours = ours;
        this.batches = new MapBatches(ours);
        this.kernel = kernel;
        this.random = random;
        this.valueBytes = ours.valueBytes();
        this.most = Math.max(keys, LARGEST) + 1;
        int keySize = ours.spec().keySize();
        this.keys = arena.allocate((long) most * keySize, 8);
        this.values = arena.allocate((long) most * valueBytes, 8);
        this.from = arena.allocate(Math.max(keySize, Integer.BYTES), 8);
        this.next = arena.allocate(Math.max(keySize, Integer.BYTES), 8);
    }

    /** What differs in one operation, or nothing. */
    Optional<String> operation(Supplier<byte[]> key, Supplier<byte[]> value) {
        return switch (random.nextInt(4)) {
            case 0, 1 -> updated(key, value);
            case 2 -> deleted(key);
            default -> walked();
        };
    }

    private Optional<String> updated(Supplier<byte[]> key, Supplier<byte[]> value) {
        List<byte[]> wanted =
                Stream.generate(key).limit(random.nextInt(LARGEST)).toList();
        List<byte[]> set = Stream.generate(value).limit(wanted.size()).toList();
        fill(keys, wanted);
        fill(values, set);
        return same("update batch", batches.update(wanted, set), BatchCommand.UPDATE, wanted.size());
    }

    Optional<String> deleted(Supplier<byte[]> key) {
        List<byte[]> wanted =
                Stream.generate(key).limit(random.nextInt(LARGEST)).toList();
        fill(keys, wanted);
        return same("delete batch", batches.delete(wanted), BatchCommand.DELETE, wanted.size());
    }

    private static void fill(MemorySegment to, List<byte[]> parts) {
        long at = 0;
        for (byte[] part : parts) {
            MemorySegment.copy(part, 0, to, ValueLayout.JAVA_BYTE, at, part.length);
            at += part.length;
        }
    }

    private Optional<String> same(String operation, Changed here, BatchCommand command, int count) {
        Bpf.BatchResult there = Bpf.mapBatch(
                command, kernel, new Bpf.Batch(MemorySegment.NULL, MemorySegment.NULL, keys, values, count));
        boolean counted = there.errno() != Errno.ENOTSUPP && there.errno() != Errno.EPERM;
        return here.result() == -there.errno() && (!counted || here.count() == there.count())
                ? Optional.empty()
                : Optional.of("%s of %d gives %s, in the kernel %s".formatted(operation, count, here, there));
    }

    /** Walks both from the first element to the last. */
    Optional<String> walked() {
        boolean ordered = isArray() || ours instanceof LpmTrie;
        BatchCommand command = random.nextInt(EMPTIED_OF) == 0 ? BatchCommand.LOOKUP_AND_DELETE : BatchCommand.LOOKUP;
        int count = 1 + random.nextInt(most - 1);
        Walk here = here(command, count);
        Walk there = there(command, count);
        boolean same = ordered
                ? here.equals(there)
                : here.results().getLast().equals(there.results().getLast())
                        && here.sorted().equals(there.sorted());
        return same
                ? Optional.empty()
                : Optional.of("%s in batches of %d gives %s, in the kernel %s".formatted(command, count, here, there));
    }

    private boolean isArray() {
        return switch (ours.spec().type()) {
            case ARRAY, PERCPU_ARRAY, ARRAY_OF_MAPS -> true;
            default -> false; // the order is of no type's promise
        };
    }

    /** The result of each batch, and all elements; where maps differ by nature, only their keys. */
    private record Walk(List<Integer> results, List<String> elements) {
        List<String> sorted() {
            return elements.stream().sorted().toList();
        }
    }

    private Walk here(BatchCommand command, int atFirst) {
        Walk walk = new Walk(new ArrayList<>(), new ArrayList<>());
        Optional<byte[]> place = Optional.empty();
        int count = atFirst;
        while (true) {
            Found found = command == BatchCommand.LOOKUP
                    ? batches.lookup(place, count)
                    : batches.lookupAndDelete(place, count);
            for (int i = 0; i < found.keys().size(); i++) {
                walk.elements().add(element(found.keys().get(i), found.values().get(i)));
            }
            if (found.result() != -Errno.ENOSPC) {
                walk.results().add(found.result());
            }
            if (found.result() != 0 && found.result() != -Errno.ENOSPC) {
                return walk;
            }
            count = found.result() == 0 ? count : most;
            place = found.next();
        }
    }

    private Walk there(BatchCommand command, int atFirst) {
        Walk walk = new Walk(new ArrayList<>(), new ArrayList<>());
        int keySize = ours.spec().keySize();
        MemorySegment place = MemorySegment.NULL;
        int count = atFirst;
        while (true) {
            Bpf.BatchResult found = Bpf.mapBatch(command, kernel, new Bpf.Batch(place, next, keys, values, count));
            boolean filled = found.errno() == 0 || found.errno() == Errno.ENOENT;
            for (int i = 0; filled && i < found.count(); i++) {
                walk.elements().add(element(part(keys, i, keySize), part(values, i, valueBytes)));
            }
            if (found.errno() != Errno.ENOSPC) {
                walk.results().add(-found.errno());
            }
            if (found.errno() != 0 && found.errno() != Errno.ENOSPC) {
                return walk;
            }
            count = found.errno() == 0 ? count : most;
            from.copyFrom(next);
            place = from;
        }
    }

    private static byte[] part(MemorySegment all, int index, int size) {
        return all.asSlice((long) index * size, size).toArray(ValueLayout.JAVA_BYTE);
    }

    private String element(byte[] key, byte[] value) {
        String shown = HexFormat.of().formatHex(key);
        return ours.spec().type().holdsMaps()
                ? shown
                : shown + "=" + HexFormat.of().formatHex(value);
    }

    @Override
    public void close() {
        arena.close();
    }
}
