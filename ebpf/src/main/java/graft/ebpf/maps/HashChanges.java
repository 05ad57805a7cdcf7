package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Updates and deletes of a hash by the daemon, under the bucket's lock and with the agent's order of stores: an element
 * is complete before it is linked, {@code pending} says what is in progress, and it is cleared before an element goes
 * back to the free list.
 */
final class HashChanges {
    private final HashElements elements;
    private final MapRegion region;
    private final HashValues values;

    HashChanges(HashElements elements, HashValues values) {
        this.elements = elements;
        this.region = elements.region;
        this.values = values;
    }

    int update(byte[] key, byte[] value, long flags) {
        if (Long.compareUnsigned(flags, KeyedMap.EXIST) > 0) {
            return -Errno.EINVAL;
        }
        int code = elements.hash(key);
        int bucket = elements.bucketOf(code);
        if (!lock(bucket)) {
            return -Errno.EBUSY;
        }
        try {
            HashElements.Found found = elements.find(elements.bucketAt(bucket) + BucketLayout.HEAD, key, code);
            if (elements.isElement(found.index())) {
                return flags == KeyedMap.NOEXIST ? -Errno.EEXIST : replace(bucket, found.index(), key, value);
            }
            elements.requireEnd(bucket, found);
            return flags == KeyedMap.EXIST ? -Errno.ENOENT : insert(bucket, code, key, value);
        } finally {
            unlock(bucket);
        }
    }

    private int insert(int bucket, int code, byte[] key, byte[] value) {
        int taken = elements.keptBy(bucket);
        if (taken == HashElements.NONE) {
            setPending(bucket, MapConstants.PENDING_INSERT);
            taken = takeCounted();
            if (taken == HashElements.NONE && region.getAcquire(HashLayout.KEEPING) != 0) {
                elements.collect();
                taken = takeCounted();
            }
        }
        if (taken == HashElements.NONE) {
            setPending(bucket, 0);
            return -Errno.E2BIG;
        }
        setPending(bucket, MapConstants.PENDING_INSERT | (taken + 1));
        fill(taken, code, key, value);
        elements.link(bucket, taken);
        setPending(bucket, 0);
        return 0;
    }

    private int takeCounted() {
        int taken = HashElements.NONE;
        if (Integer.compareUnsigned(region.getAndAdd(HashLayout.COUNT, 1), elements.spec.maxEntries()) < 0) {
            taken = elements.take();
        }
        if (taken == HashElements.NONE) {
            region.getAndAdd(HashLayout.COUNT, -1);
        }
        return taken;
    }

    private void fill(int element, int code, byte[] key, byte[] value) {
        long at = elements.elementAt(element);
        region.set(at + ElementLayout.HASH, code);
        MemorySegment.copy(key, 0, region.memory(), ValueLayout.JAVA_BYTE, at + ElementLayout.SIZE, key.length);
        values.write(element, value);
    }

    private int replace(int bucket, int old, byte[] key, byte[] value) {
        if (values.changeInPlace()) {
            values.write(old, value);
            return 0;
        }
        int kept = elements.keptBy(bucket);
        int taken = kept == HashElements.NONE ? elements.take() : kept;
        if (taken == HashElements.NONE) {
            region.getAndAddLong(HashLayout.SPARE_EMPTY, 1);
            return -Errno.EBUSY;
        }
        setPending(bucket, MapConstants.PENDING_REPLACE | (taken + 1));
        int code = region.get(elements.elementAt(old) + ElementLayout.HASH);
        fill(taken, code, key, value);
        elements.link(bucket, taken);
        HashElements.Found older = elements.find(elements.elementAt(taken) + ElementLayout.NEXT, key, code);
        if (!elements.isElement(older.index())) {
            throw elements.damaged(bucket);
        }
        elements.unlink(older);
        if (kept == HashElements.NONE) {
            setPending(bucket, 0);
            elements.giveBack(old);
        } else {
            setPending(bucket, old + 1);
        }
        return 0;
    }

    int delete(byte[] key) {
        int code = elements.hash(key);
        int bucket = elements.bucketOf(code);
        if (!lock(bucket)) {
            return -Errno.EBUSY;
        }
        try {
            HashElements.Found found = elements.find(elements.bucketAt(bucket) + BucketLayout.HEAD, key, code);
            if (!elements.isElement(found.index())) {
                elements.requireEnd(bucket, found);
                return -Errno.ENOENT;
            }
            int kept = elements.keptBy(bucket);
            setPending(bucket, MapConstants.PENDING_DELETE | (found.index() + 1));
            elements.unlink(found);
            region.getAndAdd(HashLayout.COUNT, -1);
            setPending(bucket, kept + 1);
            elements.giveBack(found.index());
            return 0;
        } finally {
            unlock(bucket);
        }
    }

    private void setPending(int bucket, int pending) {
        region.setRelease(elements.bucketAt(bucket) + BucketLayout.PENDING, pending);
    }

    private boolean lock(int bucket) {
        return LockWord.acquire(region, elements.bucketAt(bucket) + BucketLayout.LOCK, HashLayout.LOCK_BUSY);
    }

    private void unlock(int bucket) {
        LockWord.release(region, elements.bucketAt(bucket) + BucketLayout.LOCK);
    }
}
