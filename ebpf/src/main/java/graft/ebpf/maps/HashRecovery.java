package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;

/**
 * Finishes the changes that a dead process had begun. At most one element for each of its locks is lost; none is handed
 * out twice.
 */
final class HashRecovery {
    private static final int MAX_COUNTS = 16;

    private final HashElements elements;
    private final MapRegion region;

    HashRecovery(HashElements elements) {
        this.elements = elements;
        this.region = elements.region;
    }

    int releaseLocksOf(int tgid) {
        int released = 0;
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            long word = elements.bucketAt(bucket) + BucketLayout.LOCK;
            if (LockWord.isHeldBy(region, word, tgid)) {
                finish(bucket);
                LockWord.release(region, word);
                released++;
            }
        }
        if (released > 0) {
            settleCount();
        }
        return released;
    }

    private void finish(int bucket) {
        long pendingAt = elements.bucketAt(bucket) + BucketLayout.PENDING;
        if (elements.keptBy(bucket) != HashElements.NONE) {
            return; // nothing was under way
        }
        int pending = region.getAcquire(pendingAt);
        int element = (pending & MapConstants.PENDING_ELEMENT) - 1;
        int operation = pending & ~MapConstants.PENDING_ELEMENT;
        int unused = HashElements.NONE;
        if (elements.isElement(element)) {
            HashElements.Found found = findElement(bucket, element);
            boolean linked = found.index() == element;
            if (operation == MapConstants.PENDING_DELETE && linked) {
                elements.unlink(found);
                unused = element;
            } else if (!linked) {
                unused = element;
            } else if (operation == MapConstants.PENDING_REPLACE) {
                unused = unlinkOlder(element);
            }
        }
        region.setRelease(pendingAt, 0);
        if (unused != HashElements.NONE) {
            elements.giveBack(unused);
        }
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

    /** The dead process may have counted what it did not insert. Exact when nobody else changes the map meanwhile. */
    private void settleCount() {
        for (int attempt = 0; attempt < MAX_COUNTS; attempt++) {
            int before = region.getAcquire(HashLayout.COUNT);
            int used = countUsed();
            if (used > elements.geometry.capacity()) {
                return;
            }
            if (used == countUsed()) {
                region.compareAndSet(HashLayout.COUNT, before, used);
                return;
            }
        }
    }

    /**
     * Elements in chains and those that buckets keep; one more than there are elements when chains run into each other or
     * have no end.
     */
    private int countUsed() {
        int capacity = elements.geometry.capacity();
        int[] count = new int[1];
        for (int bucket = 0; bucket < elements.geometry.buckets() && count[0] <= capacity; bucket++) {
            count[0] += elements.keptBy(bucket) == HashElements.NONE ? 0 : 1;
            elements.walk(elements.bucketAt(bucket) + BucketLayout.HEAD, _ -> ++count[0] > capacity);
        }
        return count[0];
    }
}
