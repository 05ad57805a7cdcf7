package graft.ebpf.maps;

import graft.ebpf.object.MapSpec;
import graft.platform.layout.MapLayout;
import graft.platform.linux.Sysconf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The maps in a map of maps: each has a place in its region, with a number from 1 on, and a descriptor that is right in every
 * process. A map is there while somebody has it open or an entry holds it. Programs may use a place for a while after that, so
 * it keeps its shape for good: another map of the same shape gets it, emptied, when no place is left that was never used, and
 * of several the one that has waited longest.
 */
final class InnerMaps {
    static final int NONE = 0;

    /** More places than entries: what was replaced waits as long as it can. */
    private static final int SPARE = 8;

    private static final long LARGEST = 256L << 20;

    private final MapRegion region;
    private final Places places;
    private final List<Place> made = new ArrayList<>(); // guarded by this
    private final Deque<Place> unused = new ArrayDeque<>(); // guarded by this

    InnerMaps(MapRegion region, Places places) {
        this.region = region;
        this.places = places;
    }

    /**
     * Where maps go in the region.
     *
     * @param descriptorsAt from the beginning of the region, as {@code mapsAt}
     * @param bytes of one place, whole pages
     */
    record Places(long descriptorsAt, long mapsAt, long bytes, int count) {
        /** For {@code entries} maps of {@code bytes} behind {@code before} bytes of something else. */
        static Places behind(long before, int entries, long bytes) {
            int count = (int) Math.clamp(LARGEST / bytes, 1, (long) entries + entries / 4 + SPARE);
            return new Places(before, before + Sysconf.wholePages((long) count * MapLayout.SIZE), bytes, count);
        }

        long end() {
            return mapsAt + count * bytes;
        }

        private long descriptor(int number) {
            return descriptorsAt + (number - 1L) * MapLayout.SIZE;
        }

        private long map(int number) {
            return mapsAt + (number - 1) * bytes;
        }
    }

    /** One place. */
    private static final class Place {
        private final int number;
        private RegionMap map;
        private int users; // whoever has it open, and entries

        private Place(int number) {
            this.number = number;
        }
    }

    /** A new empty map, open until it is closed, or nothing when no place is left. */
    synchronized Optional<RegionMap> create(MapSpec spec) {
        if (made.size() < places.count()) {
            Place place = new Place(made.size() + 1);
            RegionMap map = open(place, spec, MapRegion.Past.NEW);
            made.add(place);
            return Optional.of(map);
        }
        for (Iterator<Place> waiting = unused.iterator(); waiting.hasNext(); ) {
            Place place = waiting.next();
            if (place.map.spec().hasShapeOf(spec) && Emptying.of(place.map)) {
                waiting.remove();
                return Optional.of(open(place, spec, MapRegion.Past.USED));
            }
        }
        return Optional.empty();
    }

    private RegionMap open(Place place, MapSpec spec, MapRegion.Past past) {
        boolean[] open = {true}; // guarded by this
        place.map = MapMaker.make(
                spec, (_, bytes) -> region.part(places.map(place.number), bytes, past, () -> closed(place, open)));
        place.users = 1;
        ByteBuffer descriptor = ByteBuffer.wrap(
                        place.map.describe(places.map(place.number) - places.descriptor(place.number)))
                .order(ByteOrder.nativeOrder())
                .putLong(MapLayout.RELATIVE, -1);
        MemorySegment.copy(
                descriptor.array(),
                0,
                region.memory(),
                ValueLayout.JAVA_BYTE,
                places.descriptor(place.number),
                MapLayout.SIZE);
        return place.map;
    }

    private synchronized void closed(Place place, boolean[] open) {
        if (open[0]) {
            open[0] = false;
            released(place);
        }
    }

    private void released(Place place) {
        place.users--;
        if (place.users == 0) {
            unused.add(place);
        }
    }

    /** An entry holds the map with a number from now on. */
    synchronized void hold(int number) {
        made.get(number - 1).users++;
    }

    /** An entry holds it no longer; nothing for {@link #NONE}. */
    synchronized void release(int number) {
        used(place -> place.number == number).ifPresent(this::released);
    }

    /** The map with a number that somebody uses. */
    synchronized Optional<RegionMap> numbered(int number) {
        return used(place -> place.number == number).map(place -> place.map);
    }

    /** Its number, or {@link #NONE} when it is not in this map of maps. */
    synchronized int numberOf(BpfMap map) {
        return used(place -> place.map == map).map(place -> place.number).orElse(NONE);
    }

    private Optional<Place> used(Predicate<Place> wanted) {
        return made.stream()
                .filter(place -> place.users > 0 && wanted.test(place))
                .findFirst();
    }

    /** Those that nobody uses too: a program may have locked one when it was still in use. */
    synchronized int releaseLocksOf(int deadTgid) {
        return made.stream()
                .mapToInt(place -> place.map.releaseLocksOf(deadTgid))
                .sum();
    }
}
