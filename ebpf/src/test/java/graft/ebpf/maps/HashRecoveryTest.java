package graft.ebpf.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.FreeListLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A process may die between any two stores: whatever it was about, the map has room for exactly as many keys as before. */
class HashRecoveryTest {
    private static final int MAX = 8;
    private static final int DEAD = 4242;
    private static final byte[] KEY = MapBytes.ofInt(1);

    /** Where the process died, in a change of {@link #KEY}. */
    private enum Death {
        LOCKED,
        ABOUT_TO_TAKE,
        TAKEN,
        TAKEN_AND_LIST_FREE,
        INSERTED,
        REPLACED_AND_OLD_THERE,
        REPLACED_AND_OLD_NAMED,
        REPLACED_AND_OLD_GONE,
        SPARE_NAMED,
        SPARE_LINKED,
        SPARE_LINKED_AND_OLD_NAMED,
        SPARE_LINKED_AND_OLD_GONE,
        DELETE_NAMED,
        DELETED,
        DELETED_AND_GIVEN,
        KEPT_GIVEN_BEFORE_DELETE
    }

    private final MapSpec spec = MapSpec.of("keys", MapType.HASH, 4, 48, MAX);
    private final HashElements elements = HashElements.create(spec, MapMemory.OWN);
    private final HashLists lists = new HashLists(elements);
    private final HashChanges changes =
            new HashChanges(elements, new HashValues(spec, elements.region, elements.geometry));
    private final int code = elements.hash(KEY);
    private final int bucket = elements.bucketOf(code);

    @ParameterizedTest
    @EnumSource
    void noElementIsLostAndNoneIsHandedOutTwice(Death death) {
        try (MapRegion region = elements.region) {
            die(death);
            long word = elements.bucketAt(bucket) + BucketLayout.LOCK;
            region.setLong(word, (long) DEAD << 32 | 7);
            assertThat(new HashRecovery(elements, new HashValues(spec, elements.region, elements.geometry))
                            .releaseLocksOf(DEAD))
                    .isEqualTo(1);
            assertThat(region.getLong(word)).isZero();
            changes.delete(KEY, _ -> true);
            for (int key = 10; key < 10 + MAX; key++) {
                assertThat(changes.update(MapBytes.ofInt(key), new byte[48], KeyedMap.NOEXIST))
                        .as("key %d", key)
                        .isZero();
                assertThat(changes.update(MapBytes.ofInt(key), new byte[48], KeyedMap.EXIST))
                        .isZero();
            }
            assertThat(changes.update(KEY, new byte[48], KeyedMap.ANY)).isEqualTo(-Errno.E2BIG);
        }
    }

    private void die(Death death) {
        switch (death) {
            case LOCKED -> {}
            case ABOUT_TO_TAKE -> {
                lock(0);
                elements.setPending(bucket, MapConstants.PENDING_INSERT | (lists.first(0) + 1));
            }
            case TAKEN -> {
                take(MapConstants.PENDING_INSERT);
                lock(0);
            }
            case TAKEN_AND_LIST_FREE -> take(MapConstants.PENDING_INSERT);
            case INSERTED -> link(take(MapConstants.PENDING_INSERT));
            case REPLACED_AND_OLD_THERE, REPLACED_AND_OLD_NAMED, REPLACED_AND_OLD_GONE -> dieReplacing(death);
            case SPARE_NAMED, SPARE_LINKED, SPARE_LINKED_AND_OLD_NAMED, SPARE_LINKED_AND_OLD_GONE ->
                dieWithSpare(death);
            case DELETE_NAMED, DELETED, DELETED_AND_GIVEN, KEPT_GIVEN_BEFORE_DELETE -> dieDeleting(death);
        }
    }

    private void dieReplacing(Death death) {
        int old = inserted();
        link(take(MapConstants.PENDING_REPLACE));
        if (death != Death.REPLACED_AND_OLD_THERE) {
            elements.setPending(bucket, MapConstants.PENDING_DELETE | (old + 1));
        }
        if (death == Death.REPLACED_AND_OLD_GONE) {
            unlink(old);
        }
    }

    private void dieWithSpare(Death death) {
        int old = inserted();
        int spare = lists.spare(1);
        lock(1);
        elements.setPending(bucket, MapConstants.PENDING_REPLACE | MapConstants.PENDING_SPARE | (spare + 1));
        if (death == Death.SPARE_NAMED) {
            return;
        }
        link(spare);
        if (death != Death.SPARE_LINKED) {
            elements.setPending(bucket, MapConstants.PENDING_DELETE | MapConstants.PENDING_SPARE | (old + 1));
        }
        if (death == Death.SPARE_LINKED_AND_OLD_GONE) {
            unlink(old);
        }
    }

    private void dieDeleting(Death death) {
        int old = inserted();
        int deletes = MapConstants.PENDING_DELETE | (old + 1);
        if (death == Death.KEPT_GIVEN_BEFORE_DELETE) {
            int kept = take(MapConstants.PENDING_INSERT);
            elements.keep(bucket, kept);
            lock(0);
            lists.push(0, kept);
            return;
        }
        elements.setPending(bucket, deletes);
        if (death == Death.DELETE_NAMED) {
            return;
        }
        unlink(old);
        if (death == Death.DELETED_AND_GIVEN) {
            lock(0);
            lists.push(0, old);
        }
    }

    private void lock(int list) {
        elements.region.setLong(HashLists.at(list) + FreeListLayout.LOCK, (long) DEAD << 32 | bucket + 1);
    }

    /** The key's element, put in by a process that lived on. */
    private int inserted() {
        assertThat(changes.update(KEY, new byte[48], KeyedMap.ANY)).isZero();
        return elements.lookup(KEY);
    }

    private int take(int operation) {
        return switch (lists.take(bucket, operation)) {
            case HashLists.Taken.Element(int index) -> index;
            case HashLists.Taken.Nothing nothing -> throw new AssertionError(nothing);
            case HashLists.Taken.Busy busy -> throw new AssertionError(busy);
        };
    }

    private void link(int element) {
        long at = elements.elementAt(element);
        elements.region.set(at + ElementLayout.HASH, code);
        MemorySegment.copy(
                KEY, 0, elements.region.memory(), ValueLayout.JAVA_BYTE, at + ElementLayout.SIZE, KEY.length);
        elements.link(bucket, element);
    }

    private void unlink(int element) {
        elements.unlink(elements.walk(elements.bucketAt(bucket) + BucketLayout.HEAD, index -> index == element));
    }
}
