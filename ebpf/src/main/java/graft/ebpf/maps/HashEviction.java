package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import java.util.OptionalInt;

/** Makes room in a full LRU hash: the agent's {@code evict_one}. From a hash of another type nothing is evicted. */
final class HashEviction {
    private static final byte UNUSED = 0;
    private final HashElements elements;
    private final HashLists lists;
    private final HashValues values;
    private final MapRegion region;

    /** Where the daemon looks next. Of two threads both may look at an element, or neither. */
    private int hand;

    HashEviction(HashElements elements, HashLists lists, HashValues values) {
        this.values = values;
        this.elements = elements;
        this.lists = lists;
        this.region = elements.region;
    }

    /**
     * Puts an element that was not used for long into a list.
     *
     * @param mine the bucket whose lock the caller holds, so that no other is waited for
     * @return whether there was one
     */
    boolean evictOne(int mine) {
        if (!elements.spec.type().isLru()) {
            return false;
        }
        int looks = 2 * MapConstants.LRU_SCANS + elements.geometry.lists();
        for (int look = 0; look < looks; look++) {
            int element = nextOfRun();
            if (look < MapConstants.LRU_SCANS && elements.isUsed(element)) {
                elements.setUsed(element, UNUSED);
            } else if (evict(mine, element)) {
                return true;
            }
        }
        return false;
    }

    private int nextOfRun() {
        int at = hand;
        if (at % MapConstants.LRU_RUN == 0) {
            at = region.getAndAdd(HashLayout.HAND, MapConstants.LRU_RUN);
        }
        hand = at + 1;
        return Integer.remainderUnsigned(at, elements.geometry.capacity());
    }

    private boolean evict(int mine, int element) {
        int bucket = elements.bucketOf(region.get(elements.elementAt(element) + ElementLayout.HASH));
        long word = elements.bucketAt(bucket) + BucketLayout.LOCK;
        if (bucket == mine) {
            return evictFrom(bucket, element);
        }
        if (!LockWord.tryAcquire(region, word)) {
            return false;
        }
        try {
            return evictFrom(bucket, element);
        } finally {
            LockWord.release(region, word);
        }
    }

    /** The bucket's lock is held. */
    private boolean evictFrom(int bucket, int element) {
        HashElements.Found found =
                elements.walk(elements.bucketAt(bucket) + BucketLayout.HEAD, index -> index == element);
        if (found.index() != element || elements.keptBy(bucket) != HashElements.NONE) {
            return false;
        }
        OptionalInt list = lists.lockAny(bucket);
        list.ifPresent(locked -> {
            elements.setPending(bucket, MapConstants.PENDING_DELETE | (element + 1));
            elements.unlink(found);
            values.endTimer(element);
            lists.push(locked, element);
            elements.setPending(bucket, 0);
            lists.unlock(locked);
        });
        return list.isPresent();
    }
}
