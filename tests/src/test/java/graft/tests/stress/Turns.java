package graft.tests.stress;

import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.object.MapSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * As many maps as states can be in use at once, which all states of a test take in turn: jcstress makes millions of
 * states, and each map is a descriptor and a mapping.
 */
final class Turns<T> {
    /** States are used and made again in turn, so twice as many as there are at a time would do. */
    private static final int MAPS = 4 * StressTest.STRIDE * StressTest.STRIDES;

    private final List<T> maps = new ArrayList<>(MAPS);
    private final AtomicInteger next = new AtomicInteger();

    Turns(MapSpec spec, Function<BpfMap, T> user) {
        for (int i = 0; i < MAPS; i++) {
            switch (MapCreation.create(spec)) {
                case MapCreation.Created(var map) -> maps.add(user.apply(map));
                case MapCreation.Refused refused -> throw new AssertionError(refused.toString());
            }
        }
    }

    T take() {
        return maps.get(Integer.remainderUnsigned(next.getAndIncrement(), MAPS));
    }
}
