package graft.ebpf.maps;

import graft.platform.layout.BucketLayout;
import graft.platform.layout.ElementLayout;
import graft.platform.layout.FreeListLayout;
import graft.platform.layout.HashLayout;
import graft.platform.layout.MapConstants;
import java.util.Comparator;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * The free lists of a hash, as the agent's C sees them. An element goes into and out of a list under the list's lock, with
 * the bucket's {@code pending} written on the same side of the store that moves it each time.
 */
final class HashLists {
    private static final int FREE_MARK = 0xc0000000;
    private static final int TRIES = 2000;
    private static final long PROCESS = ProcessHandle.current().pid() << 32;

    private final HashElements elements;
    private final MapRegion region;
    private final int lists;

    HashLists(HashElements elements) {
        this.elements = elements;
        this.region = elements.region;
        this.lists = elements.geometry.lists();
    }

    /** Divides the elements among the lists. */
    void writeLists() {
        int max = elements.spec.maxEntries();
        for (int list = 0; list < lists; list++) {
            int from = (int) ((long) max * list / lists);
            int end = (int) ((long) max * (list + 1) / lists);
            region.set(at(list) + FreeListLayout.FIRST, from < end ? from + 1 : 0);
            region.set(at(list) + FreeListLayout.COUNT, end - from);
            region.set(at(list) + FreeListLayout.COUNTED, end - from);
            region.set(at(list) + FreeListLayout.END, end);
            region.set(at(list) + FreeListLayout.SPARE, max + list + 1);
            fill(list);
        }
        addUp();
    }

    /** The list is locked, or nobody else knows it yet. */
    private void fill(int list) {
        int filled = region.getAcquire(HashLayout.FILLED);
        while ((filled & 1 << list) == 0 && !region.compareAndSet(HashLayout.FILLED, filled, filled | 1 << list)) {
            filled = region.getAcquire(HashLayout.FILLED);
        }
    }

    private void addUp() {
        long count = 0;
        for (int list = 0; list < lists; list++) {
            count += Integer.toUnsignedLong(region.get(at(list) + FreeListLayout.COUNT));
        }
        region.set(HashLayout.PLENTY, count > (long) region.get(HashLayout.KEEP_ABOVE) * lists ? 1 : 0);
    }

    /** The list is locked. */
    private void count(int list, int count) {
        region.set(at(list) + FreeListLayout.COUNT, count);
        int each = Math.min(region.get(HashLayout.KEEP_ABOVE) / 2, MapConstants.COUNTED_EACH);
        if (Math.abs(count - region.get(at(list) + FreeListLayout.COUNTED)) > each) {
            region.set(at(list) + FreeListLayout.COUNTED, count);
            addUp();
        }
    }

    static long at(int list) {
        return MapConstants.HASH_LISTS_OFFSET + (long) list * FreeListLayout.SIZE;
    }

    int first(int list) {
        return region.getAcquire(at(list) + FreeListLayout.FIRST) - 1;
    }

    /** A list, locked for a bucket whose lock is held. */
    OptionalInt lockAny(int bucket) {
        for (int tries = 0; tries < TRIES; tries++) {
            for (int list = 0; list < lists; list++) {
                if (tryLock(list, bucket)) {
                    return OptionalInt.of(list);
                }
            }
            Thread.yield();
        }
        region.getAndAddLong(HashLayout.LIST_BUSY, 1);
        return OptionalInt.empty();
    }

    private boolean tryLock(int list, int bucket) {
        long word = at(list) + FreeListLayout.LOCK;
        return region.getLongAcquire(word) == 0 && region.compareAndSetLong(word, 0, PROCESS | bucket + 1);
    }

    void unlock(int list) {
        LockWord.release(region, at(list) + FreeListLayout.LOCK);
    }

    /** What {@link #take} got: an element, or why not. */
    sealed interface Taken {
        /** An element that is pending in the bucket. */
        record Element(int index) implements Taken {}

        /** The lists are empty. */
        record Nothing() implements Taken {}

        /** Lists were locked for too long. */
        record Busy() implements Taken {}
    }

    /** Takes an unused element, which becomes pending in {@code bucket}. */
    Taken take(int bucket, int operation) {
        for (int tries = 0; tries < TRIES; tries++) {
            boolean busy = false;
            for (int list : fullestFirst()) {
                if (!tryLock(list, bucket)) {
                    busy = true;
                    continue;
                }
                int taken = pop(list, bucket, operation);
                unlock(list);
                if (elements.isElement(taken)) {
                    return new Taken.Element(taken);
                }
            }
            if (!busy) {
                return new Taken.Nothing();
            }
            Thread.yield();
        }
        region.getAndAddLong(HashLayout.LIST_BUSY, 1);
        return new Taken.Busy();
    }

    /** The lists that are not empty. Processors need theirs alike, so the daemon takes from the longest. */
    private int[] fullestFirst() {
        return IntStream.range(0, lists)
                .filter(list -> elements.isElement(first(list)))
                .boxed()
                .sorted(Comparator.comparing(list -> -region.getAcquire(at(list) + FreeListLayout.COUNT)))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    private int pop(int list, int bucket, int operation) {
        int first = first(list);
        if (!elements.isElement(first)) {
            return HashElements.NONE;
        }
        elements.setPending(bucket, operation | (first + 1));
        region.setRelease(at(list) + FreeListLayout.FIRST, behind(list, first) + 1);
        count(list, region.get(at(list) + FreeListLayout.COUNT) - 1);
        return first;
    }

    /** The element behind {@code element} in a list, or {@link HashElements#NONE}. */
    private int behind(int list, int element) {
        int next = region.get(elements.elementAt(element) + ElementLayout.NEXT);
        if (next != 0) {
            return (next & ~FREE_MARK) - 1;
        }
        return element + 1 < region.get(at(list) + FreeListLayout.END) ? element + 1 : HashElements.NONE;
    }

    /** The list is locked. */
    void push(int list, int element) {
        fill(list);
        region.set(elements.elementAt(element) + ElementLayout.NEXT, FREE_MARK | (first(list) + 1));
        region.setRelease(at(list) + FreeListLayout.FIRST, element + 1);
        count(list, region.get(at(list) + FreeListLayout.COUNT) + 1);
    }

    int spare(int list) {
        return region.getAcquire(at(list) + FreeListLayout.SPARE) - 1;
    }

    void setSpare(int list, int element) {
        region.setRelease(at(list) + FreeListLayout.SPARE, element + 1);
    }

    /** The list that a thread of {@code tgid} locked for {@code bucket}, if there is one. */
    OptionalInt lockedFor(int tgid, int bucket) {
        for (int list = 0; list < lists; list++) {
            if (region.getLongAcquire(at(list) + FreeListLayout.LOCK) == ((long) tgid << 32 | bucket + 1)) {
                return OptionalInt.of(list);
            }
        }
        return OptionalInt.empty();
    }

    /** Counts what is in a list whose owner died, and unlocks it. */
    void settle(int list) {
        int count = 0;
        int element = first(list);
        while (elements.isElement(element) && count < elements.geometry.capacity()) {
            count++;
            element = behind(list, element);
        }
        fill(list);
        count(list, count);
        unlock(list);
    }

    /** Puts what a bucket keeps into a list; {@code then} is pending in its place. */
    boolean giveKept(int bucket, int then) {
        OptionalInt list = lockAny(bucket);
        list.ifPresent(locked -> {
            push(locked, elements.keptBy(bucket));
            elements.setPending(bucket, then);
            unlock(locked);
        });
        return list.isPresent();
    }

    /**
     * Gives back what buckets keep. The caller holds the lock of {@code mine}, so it waits for no other. A bucket that is
     * locked now may keep an element by an operation that read {@code keeping} before.
     */
    void collect(int mine) {
        region.getAndAdd(HashLayout.KEEPING, -region.get(HashLayout.KEEPING));
        boolean left = false;
        for (int bucket = 0; bucket < elements.geometry.buckets(); bucket++) {
            if (bucket != mine) {
                left |= !collected(bucket);
            }
        }
        if (left) {
            region.set(HashLayout.KEEPING, 1);
        }
    }

    private boolean collected(int bucket) {
        long word = elements.bucketAt(bucket) + BucketLayout.LOCK;
        if (region.getLongAcquire(word) == 0 && elements.keptBy(bucket) == HashElements.NONE) {
            return true;
        }
        if (!LockWord.tryAcquire(region, word)) {
            return false;
        }
        boolean given = elements.keptBy(bucket) == HashElements.NONE || giveKept(bucket, 0);
        LockWord.release(region, word);
        return given;
    }
}
