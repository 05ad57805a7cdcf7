package graft.daemon.timer;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Wide;
import graft.ebpf.interp.Environment;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.MapTimers;
import graft.ebpf.maps.MapView;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingProducer;
import graft.ebpf.object.MapType;
import graft.platform.linux.Errno;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** The helpers of timers' functions, which are those that {@code TimerRules} of the verifier has. Confined to who runs functions. */
final class FunctionEnvironment implements Environment {
    private static final long MAPS = 3L << 59;
    private static final long WAKEUP_FLAGS = 3;

    private final List<MapView> views = new ArrayList<>();
    private final List<Optional<MapTimers>> timers = new ArrayList<>();
    private final List<Optional<RingProducer>> rings = new ArrayList<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    private final FunctionMemory memory;
    private final MapTimers.Now now;
    private Map<Integer, Integer> functions = Map.of();
    private final Set<Long> reserved = new HashSet<>();
    private int walks;

    /** @param maps of the session; what functions cannot use is left out */
    FunctionEnvironment(Map<String, BpfMap> maps, MapTimers.Now now) {
        this.now = now;
        maps.forEach((name, map) -> MapView.of(map).ifPresent(view -> {
            numbers.put(name, views.size());
            views.add(view);
            timers.add(MapTimers.of(map));
            rings.add(map instanceof RingBuffer ring ? Optional.of(new RingProducer(ring)) : Optional.empty());
        }));
        this.memory = new FunctionMemory(views);
    }

    FunctionMemory memory() {
        return memory;
    }

    /** What calls of the program that runs next give to timers. */
    void enter(TimerFunctions.Function function) {
        functions = function.numbers();
        walks = 0;
    }

    /** What a function is called with. */
    long[] arguments(String map, int timer) {
        int number = numbers.get(map);
        MapView view = views.get(number);
        return new long[] {
            MAPS + number, memory.key(0, view.keyOf(timer)), FunctionMemory.address(number, view.valueOf(timer))
        };
    }

    @Override
    public long resolve(Wide wide) {
        return switch (wide) {
            case Wide.MapPointer(String map) -> MAPS + number(map);
            case Wide.MapValue(String map, long offset) -> FunctionMemory.address(number(map), 0) + offset;
            case Wide.Constant _, Wide.Function _, Wide.KernelSymbol _ -> throw new ProgramFault("use of " + wide);
        };
    }

    private int number(String map) {
        Integer number = numbers.get(map);
        if (number == null) {
            throw new ProgramFault("use of map " + map);
        }
        return number;
    }

    private int map(long pointer) {
        long number = pointer - MAPS;
        if (number < 0 || number >= views.size()) {
            throw new ProgramFault("0x%x is no map".formatted(pointer));
        }
        return (int) number;
    }

    @Override
    public long call(int number, long[] r, Functions functions) {
        Helper helper = Helper.byNumber(number).orElseThrow(() -> new ProgramFault("call of helper " + number));
        return switch (helper) {
            case MAP_LOOKUP_ELEM -> lookup(map(r[0]), r[1]);
            case MAP_UPDATE_ELEM -> update(views.get(map(r[0])), r[1], r[2], r[3]);
            case MAP_DELETE_ELEM -> {
                MapView map = views.get(map(r[0]));
                yield map.delete(memory.bytes(r[1], map.spec().keySize()));
            }
            case FOR_EACH_MAP_ELEM -> forEach(map(r[0]), r, functions);
            case KTIME_GET_NS -> now.of(MapTimers.Clock.MONOTONIC);
            case KTIME_GET_BOOT_NS -> now.of(MapTimers.Clock.BOOT);
            case KTIME_GET_TAI_NS -> KernelClocks.tai();
            case GET_PRANDOM_U32 ->
                Integer.toUnsignedLong(ThreadLocalRandom.current().nextInt());
            case TIMER_INIT, TIMER_SET_CALLBACK, TIMER_START, TIMER_CANCEL -> timer(helper, r, functions);
            case RINGBUF_RESERVE -> r[2] == 0 ? reserve(map(r[0]), r[1]).orElse(0) : 0;
            case RINGBUF_SUBMIT -> finish(r[0], RingProducer.End.SUBMITTED, r[1]);
            case RINGBUF_DISCARD -> finish(r[0], RingProducer.End.DISCARDED, r[1]);
            case RINGBUF_OUTPUT -> output(map(r[0]), r[1], r[2], r[3]);
            case RINGBUF_QUERY -> ring(map(r[0])).query(r[1]);
            default -> throw new ProgramFault("call of " + helper.text());
        };
    }

    private long lookup(int map, long key) {
        MapView view = views.get(map);
        OptionalLong place = view.lookup(memory.bytes(key, view.spec().keySize()));
        return place.isPresent() ? FunctionMemory.address(map, place.getAsLong()) : 0;
    }

    private long update(MapView map, long key, long value, long flags) {
        byte[] bytes = memory.bytes(value, map.spec().valueSize());
        return map.update(memory.bytes(key, map.spec().keySize()), bytes, flags);
    }

    /** Keys that come meanwhile may be passed over, as in the kernel; those that have gone are. */
    private long forEach(int map, long[] r, Functions functions) {
        MapView view = views.get(map);
        if (r[3] != 0 || view.spec().type() == MapType.RINGBUF) {
            return -Errno.EINVAL;
        }
        int depth = ++walks;
        long called = 0;
        for (byte[] key : view.keys()) {
            OptionalLong place = view.lookup(key);
            if (place.isPresent()) {
                called++;
                long value = FunctionMemory.address(map, place.getAsLong());
                if (functions.call(r[1], r[0], memory.key(depth, key), value, r[2]) != 0) {
                    break;
                }
            }
        }
        walks--;
        return called;
    }

    private long timer(Helper helper, long[] r, Functions calls) {
        MapTimers of = timers.get(memory.mapOf(r[0])).orElseThrow(() -> new ProgramFault("a map without timers"));
        long place = FunctionMemory.placeOf(r[0]);
        return switch (helper) {
            case TIMER_INIT -> of.init(place, r[2]);
            case TIMER_SET_CALLBACK ->
                of.setFunction(
                        place,
                        Optional.ofNullable(functions.get(calls.slot()))
                                .orElseThrow(() -> new ProgramFault("a timer without a function")));
            case TIMER_START -> of.start(place, r[1], r[2], now);
            default -> of.cancel(place);
        };
    }

    private RingProducer ring(int map) {
        return rings.get(map).orElseThrow(() -> new ProgramFault("a map that is no ring buffer"));
    }

    private OptionalLong reserve(int map, long size) {
        OptionalLong place = ring(map).reserve(size);
        if (place.isEmpty()) {
            return place;
        }
        long sample = FunctionMemory.address(map, place.getAsLong());
        reserved.add(sample);
        return OptionalLong.of(sample);
    }

    /** The function that runs now does not go on: what it has reserved would stop the ring's reader for ever. */
    void abandon() {
        Set.copyOf(reserved).forEach(sample -> finish(sample, RingProducer.End.DISCARDED, 0));
    }

    private long finish(long sample, RingProducer.End how, long flags) {
        reserved.remove(sample);
        ring(memory.mapOf(sample)).finish(FunctionMemory.placeOf(sample), how, flags);
        return 0;
    }

    private long output(int map, long data, long size, long flags) {
        if ((flags & ~WAKEUP_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        OptionalLong sample = reserve(map, size);
        if (sample.isEmpty()) {
            return -Errno.EAGAIN;
        }
        memory.copy(sample.getAsLong(), memory.bytes(data, (int) size));
        return finish(sample.getAsLong(), RingProducer.End.SUBMITTED, flags);
    }
}
