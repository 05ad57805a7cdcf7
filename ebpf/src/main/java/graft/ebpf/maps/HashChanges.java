package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import graft.platform.linux.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;
import java.util.function.IntPredicate;

/**
 * Updates and deletes of a hash by the daemon, under the bucket's lock and with the agent's order of stores: an element
 * is complete before it is linked, and {@code pending} names the element that is on its way. The daemon leaves none with a
 * bucket that keeps none yet.
 */
final class HashChanges {
    /** Others take what one has made room with. */
    private static final int EVICTIONS = 200;

    private static final byte UNUSED = 0;
    private static final byte USED = 1;

    private final HashElements elements;
    private final MapRegion region;
    private final HashValues values;
    private final HashLists lists;
    private final HashEviction eviction;

    HashChanges(HashElements elements, HashValues values) {
        this.elements = elements;
        this.region = elements.region;
        this.values = values;
        this.lists = new HashLists(elements);
        this.eviction = new HashEviction(elements, lists, values);
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
        int kept = elements.keptBy(bucket);
        if (kept != HashElements.NONE) {
            elements.setPending(bucket, MapConstants.PENDING_INSERT | (kept + 1));
            return inserted(bucket, kept, code, key, value);
        }
        HashLists.Taken taken = lists.take(bucket, MapConstants.PENDING_INSERT);
        if (taken instanceof HashLists.Taken.Nothing && region.getAcquire(HashLayout.KEEPING) != 0) {
            lists.collect(bucket);
            taken = lists.take(bucket, MapConstants.PENDING_INSERT);
        }
        for (int i = 0; taken instanceof HashLists.Taken.Nothing && i < EVICTIONS && eviction.evictOne(bucket); i++) {
            taken = lists.take(bucket, MapConstants.PENDING_INSERT);
        }
        return switch (taken) {
            case HashLists.Taken.Element(int index) -> inserted(bucket, index, code, key, value);
            case HashLists.Taken.Nothing() -> elements.spec.type().isLru() ? -Errno.ENOMEM : -Errno.E2BIG;
            case HashLists.Taken.Busy() -> -Errno.EBUSY;
        };
    }

    private int inserted(int bucket, int element, int code, byte[] key, byte[] value) {
        fill(element, code, key, value);
        elements.link(bucket, element);
        elements.setPending(bucket, 0);
        return 0;
    }

    private void fill(int element, int code, byte[] key, byte[] value) {
        long at = elements.elementAt(element);
        region.set(at + ElementLayout.HASH, code);
        elements.setUsed(element, UNUSED);
        MemorySegment.copy(key, 0, region.memory(), ValueLayout.JAVA_BYTE, at + ElementLayout.SIZE, key.length);
        values.write(element, value);
        values.endTimer(element);
    }

    private int replace(int bucket, int old, byte[] key, byte[] value) {
        if (values.changeInPlace()) {
            values.write(old, value);
            elements.setUsed(old, USED);
            return 0;
        }
        int code = region.get(elements.elementAt(old) + ElementLayout.HASH);
        int kept = elements.keptBy(bucket);
        if (kept != HashElements.NONE) {
            elements.setPending(bucket, MapConstants.PENDING_REPLACE | (kept + 1));
            fill(kept, code, key, value);
            exchange(bucket, old, kept, MapConstants.PENDING_DELETE);
            elements.keep(bucket, old);
            return 0;
        }
        OptionalInt list = lists.lockAny(bucket);
        if (list.isEmpty()) {
            return -Errno.EBUSY;
        }
        int spare = lists.spare(list.getAsInt());
        if (!elements.isElement(spare)) {
            throw elements.damaged(bucket);
        }
        elements.setPending(bucket, MapConstants.PENDING_REPLACE | MapConstants.PENDING_SPARE | (spare + 1));
        fill(spare, code, key, value);
        exchange(bucket, old, spare, MapConstants.PENDING_DELETE | MapConstants.PENDING_SPARE);
        lists.setSpare(list.getAsInt(), old);
        elements.setPending(bucket, 0);
        lists.unlock(list.getAsInt());
        return 0;
    }

    /** Links a new element and takes the old one out; {@code pending} names the first until it is linked, then the second. */
    private void exchange(int bucket, int old, int taken, int deletes) {
        long at = elements.elementAt(taken);
        elements.setUsed(taken, USED);
        elements.link(bucket, taken);
        elements.setPending(bucket, deletes | (old + 1));
        HashElements.Found older =
                elements.find(at + ElementLayout.NEXT, elements.keyOf(taken), region.get(at + ElementLayout.HASH));
        if (!elements.isElement(older.index())) {
            throw elements.damaged(bucket);
        }
        elements.unlink(older);
        values.endTimer(older.index());
    }

    /** @param goes is given the element before it goes; one that is to stay is not found */
    int delete(byte[] key, IntPredicate goes) {
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
            return goes.test(found.index()) ? unlink(bucket, found) : -Errno.ENOENT;
        } finally {
            unlock(bucket);
        }
    }

    private int unlink(int bucket, HashElements.Found found) {
        int deletes = MapConstants.PENDING_DELETE | (found.index() + 1);
        if (elements.keptBy(bucket) != HashElements.NONE) {
            if (!lists.giveKept(bucket, deletes)) {
                return -Errno.EBUSY;
            }
            elements.unlink(found);
            values.endTimer(found.index());
            elements.keep(bucket, found.index());
            return 0;
        }
        OptionalInt list = lists.lockAny(bucket);
        list.ifPresent(locked -> {
            elements.setPending(bucket, deletes);
            elements.unlink(found);
            values.endTimer(found.index());
            lists.push(locked, found.index());
            elements.setPending(bucket, 0);
            lists.unlock(locked);
        });
        return list.isPresent() ? 0 : -Errno.EBUSY;
    }

    private boolean lock(int bucket) {
        return LockWord.acquire(region, elements.bucketAt(bucket) + BucketLayout.LOCK, HashLayout.LOCK_BUSY);
    }

    private void unlock(int bucket) {
        LockWord.release(region, elements.bucketAt(bucket) + BucketLayout.LOCK);
    }
}
