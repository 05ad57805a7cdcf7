package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.FreeListLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process may die between any two stores by which it makes room in a full LRU hash: the map has as many keys as before. */
class EvictionRecoveryTest {
    private static final int MAX = 8;
    private static final int DEAD = 4242;
    private static final int LIST = 0;
    private static final int VICTIMS_BUCKET = 3;
    private static final byte[] VALUE = new byte[8];

    /** The last store that the process made, in the order of the agent's {@code evict}. */
    private enum Death {
        LOCKED,
        NAMED,
        OUT_OF_THE_CHAIN,
        IN_THE_LIST,
        NAMED_NO_MORE,
        LIST_HANDED_OVER,
        NAMED_IN_THE_OTHER,
        OUT_OF_THE_LIST,
        LIST_FREE
    }

    private final MapSpec spec = MapSpec.of("keys", MapType.LRU_HASH, 4, VALUE.length, MAX);
    private final HashElements elements = HashElements.create(spec, MapMemory.OWN);
    private final HashLists lists = new HashLists(elements);
    private final HashChanges changes =
            new HashChanges(elements, new HashValues(spec, elements.region, elements.geometry));

    /** Buckets are recovered in their order, so the one that gets the element is before or behind the other. */
    @ParameterizedTest
    @CsvSource({
        "LOCKED, 2",
        "NAMED, 2",
        "OUT_OF_THE_CHAIN, 2",
        "IN_THE_LIST, 2",
        "NAMED_NO_MORE, 2",
        "LIST_HANDED_OVER, 2",
        "NAMED_IN_THE_OTHER, 2",
        "OUT_OF_THE_LIST, 2",
        "LIST_FREE, 2",
        "LOCKED, 5",
        "NAMED, 5",
        "OUT_OF_THE_CHAIN, 5",
        "IN_THE_LIST, 5",
        "NAMED_NO_MORE, 5",
        "LIST_HANDED_OVER, 5",
        "NAMED_IN_THE_OTHER, 5",
        "OUT_OF_THE_LIST, 5",
        "LIST_FREE, 5"
    })
    void noElementIsLostAndNoneIsHandedOutTwice(Death death, int mine) {
        try (MapRegion region = elements.region) {
            int victim = keyIn(VICTIMS_BUCKET);
            List<Integer> old = IntStream.concat(IntStream.of(victim), IntStream.range(1_000, 1_000 + MAX - 1))
                    .boxed()
                    .toList();
            old.forEach(this::insert);
            for (int list = 0; list < elements.geometry.lists(); list++) {
                assertThat(lists.first(list)).as("the map is full").isEqualTo(HashElements.NONE);
            }
            region.set(HashLayout.FILLED, 0);
            die(death, elements.lookup(MapBytes.ofInt(victim)), mine);

            assertThat(new HashRecovery(elements, new HashValues(spec, elements.region, elements.geometry))
                            .releaseLocksOf(DEAD))
                    .isEqualTo(2);

            assertThat(region.getLong(list() + FreeListLayout.LOCK)).isZero();
            boolean filled = (region.get(HashLayout.FILLED) & 1 << LIST) != 0;
            assertThat(filled || lists.first(LIST) == HashElements.NONE).isTrue();
            old.forEach(key -> changes.delete(MapBytes.ofInt(key), _ -> true));
            IntStream.range(0, 3 * MAX).forEach(key -> {
                insert(key);
                assertThat(IntStream.rangeClosed(0, key).filter(this::isThere).count())
                        .as("keys after %d", key)
                        .isEqualTo(Math.min(key + 1, MAX));
            });
        }
    }

    private void die(Death death, int victim, int mine) {
        lock(VICTIMS_BUCKET);
        lock(mine);
        if (isAtLeast(death, Death.NAMED)) {
            lockListFor(VICTIMS_BUCKET);
            elements.setPending(VICTIMS_BUCKET, MapConstants.PENDING_DELETE | (victim + 1));
        }
        if (isAtLeast(death, Death.OUT_OF_THE_CHAIN)) {
            elements.unlink(
                    elements.walk(elements.bucketAt(VICTIMS_BUCKET) + BucketLayout.HEAD, index -> index == victim));
        }
        if (isAtLeast(death, Death.IN_THE_LIST)) {
            lists.push(LIST, victim);
            elements.region.set(HashLayout.FILLED, 0);
        }
        if (isAtLeast(death, Death.NAMED_NO_MORE)) {
            elements.setPending(VICTIMS_BUCKET, 0);
        }
        if (isAtLeast(death, Death.LIST_HANDED_OVER)) {
            lockListFor(mine);
        }
        if (isAtLeast(death, Death.NAMED_IN_THE_OTHER)) {
            elements.setPending(mine, MapConstants.PENDING_INSERT | (victim + 1));
        }
        if (isAtLeast(death, Death.OUT_OF_THE_LIST)) {
            elements.region.set(list() + FreeListLayout.FIRST, 0);
        }
        if (isAtLeast(death, Death.LIST_FREE)) {
            lists.unlock(LIST);
        }
    }

    private static boolean isAtLeast(Death death, Death other) {
        return death.compareTo(other) >= 0;
    }

    private static long list() {
        return HashLists.at(LIST);
    }

    private void lock(int bucket) {
        elements.region.setLong(elements.bucketAt(bucket) + BucketLayout.LOCK, (long) DEAD << 32 | 7);
    }

    private void lockListFor(int bucket) {
        elements.region.setLong(list() + FreeListLayout.LOCK, (long) DEAD << 32 | bucket + 1);
    }

    private int keyIn(int bucket) {
        return IntStream.iterate(2_000, key -> key + 1)
                .filter(key -> elements.bucketOf(elements.hash(MapBytes.ofInt(key))) == bucket)
                .findFirst()
                .orElseThrow();
    }

    private void insert(int key) {
        assertThat(changes.update(MapBytes.ofInt(key), VALUE, KeyedMap.NOEXIST))
                .as("key %d", key)
                .isZero();
    }

    private boolean isThere(int key) {
        return elements.isElement(elements.lookup(MapBytes.ofInt(key)));
    }
}
