package graft.cli.syscalls;

import graft.daemon.Session;
import graft.ebpf.maps.KeyedMap;
import graft.ebpf.maps.RingBuffer;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The program in the processes themselves, around their system calls. Borrows the session. */
public final class ProcessPlace implements TracePlace {
    private static final int BATCH = 256;

    private final Session session;
    private final RingBuffer events;
    private final Runnable detach;

    /** @param detach undoes the session */
    public ProcessPlace(Session session, Runnable detach) {
        this.session = session;
        this.detach = detach;
        this.events = map("events", RingBuffer.class);
    }

    private <T> T map(String name, Class<T> type) {
        return session.collection()
                .map(name)
                .filter(type::isInstance)
                .map(type::cast)
                .orElseThrow(() -> new AssertionError("the program has no map " + name));
    }

    private KeyedMap keyed(String name) {
        return map(name, KeyedMap.class);
    }

    @Override
    public Reach reach() {
        return Reach.CHOSEN;
    }

    @Override
    public void update(String map, byte[] key, byte[] value) {
        int error = keyed(map).update(key, value, 0);
        if (error != 0) {
            throw new IllegalStateException("map " + map + " takes no value: error " + error);
        }
    }

    @Override
    public Optional<byte[]> lookup(String map, byte[] key) {
        return keyed(map).lookup(key);
    }

    @Override
    public List<byte[]> keys(String map) {
        return keyed(map).keys();
    }

    @Override
    public void delete(String map, byte[] key) {
        keyed(map).delete(key);
    }

    @Override
    public int size(String map) {
        return keyed(map).spec().maxEntries();
    }

    @Override
    public int read(Duration limit, Consumer<MemorySegment> receiver) {
        int received = events.drain(receiver::accept, BATCH);
        if (received == 0 && !limit.isZero()) {
            events.await(limit);
            received = events.drain(receiver::accept, BATCH);
        }
        return received;
    }

    /** The program counts what finds no room; the ring knows of the others. */
    @Override
    public long lost() {
        return events.losses().busy()
                + events.losses().reentered()
                + events.losses().dead();
    }

    @Override
    public void stop() {
        detach.run();
    }

    /** Nothing of its own. */
    @Override
    public void close() {}
}
