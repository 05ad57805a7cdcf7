package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.MapConstants;
import java.util.OptionalInt;

/**
 * Finishes the changes that a dead process had begun. What it held and was not in the map stays with its bucket, so that
 * no element is lost and none is handed out twice.
 */
final class HashRecovery {
    private final HashElements elements;
    private final HashValues values;
    private final HashLists lists;
    private final MapRegion region;

    HashRecovery(HashElements elements, HashValues values) {
        this.values = values;
        this.elements = elements;
        this.lists = new HashLists(elements);
        this.region = elements.region;
    }

    int releaseLocksOf(int tgid) {
        int released = 0;
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            long word = elements.bucketAt(bucket) + BucketLayout.LOCK;
            if (LockWord.isHeldBy(region, word, tgid)) {
                OptionalInt list = lists.lockedFor(tgid, bucket);
                finish(bucket, list);
                list.ifPresent(lists::settle);
                LockWord.release(region, word);
                released++;
            }
        }
        return released;
    }

    /** @param list which the dead thread held for this bucket */
    private void finish(int bucket, OptionalInt list) {
        int pending = region.getAcquire(elements.bucketAt(bucket) + BucketLayout.PENDING);
        int element = (pending & MapConstants.PENDING_ELEMENT) - 1;
        if (!elements.isElement(element) || list.isPresent() && lists.first(list.getAsInt()) == element) {
            elements.setPending(bucket, 0); // nothing was on its way, or it has gone where it belongs
            return;
        }
        int operation = pending & ~(MapConstants.PENDING_ELEMENT | MapConstants.PENDING_SPARE);
        int unused = operation == 0 ? element : finish(bucket, element, operation);
        if (unused != HashElements.NONE) {
            values.endTimer(unused);
        }
        if ((pending & MapConstants.PENDING_SPARE) != 0 && list.isPresent()) {
            lists.setSpare(list.getAsInt(), unused);
            elements.setPending(bucket, 0);
        } else if (unused == HashElements.NONE) {
            elements.setPending(bucket, 0);
        } else {
            elements.keep(bucket, unused);
        }
    }

    /** Makes the change whole; the element that is not in the map then, or {@link HashElements#NONE}. */
    private int finish(int bucket, int element, int operation) {
        HashElements.Found found = findElement(bucket, element);
        if (found.index() != element) {
            return element;
        }
        return switch (operation) {
            case MapConstants.PENDING_DELETE -> {
                elements.unlink(found);
                yield element;
            }
            case MapConstants.PENDING_REPLACE -> unlinkOlder(element);
            default -> HashElements.NONE; // an insertion
        };
    }

    private HashElements.Found findElement(int bucket, int element) {
        return elements.walk(elements.bucketAt(bucket) + BucketLayout.HEAD, index -> index == element);
    }

    /** The element with the same key behind {@code newer}, taken out of the chain. */
    private int unlinkOlder(int newer) {
        long at = elements.elementAt(newer);
        HashElements.Found older =
                elements.find(at + ElementLayout.NEXT, elements.keyOf(newer), region.get(at + ElementLayout.HASH));
        if (!elements.isElement(older.index())) {
            return HashElements.NONE;
        }
        elements.unlink(older);
        return older.index();
    }
}
