package graft.cli.syscalls;

import graft.bridge.KernelMap;
import graft.bridge.KernelRingBuffer;
import graft.daemon.KernelSession;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The program in the kernel, at its tracepoints. Borrows the session. */
public final class KernelPlace implements TracePlace {
    private final KernelSession session;
    private final KernelRingBuffer events;

    public KernelPlace(KernelSession session) {
        this.session = session;
        this.events = KernelRingBuffer.open(map("events"));
    }

    private KernelMap map(String name) {
        return Optional.ofNullable(session.maps().get(name))
                .orElseThrow(() -> new AssertionError("the program has no map " + name));
    }

    @Override
    public Reach reach() {
        return Reach.MACHINE;
    }

    @Override
    public void update(String map, byte[] key, byte[] value) {
        map(map).update(key, value, 0);
    }

    @Override
    public Optional<byte[]> lookup(String map, byte[] key) {
        return map(map).lookup(key);
    }

    @Override
    public List<byte[]> keys(String map) {
        return map(map).keys();
    }

    @Override
    public void delete(String map, byte[] key) {
        map(map).delete(key);
    }

    @Override
    public int size(String map) {
        return map(map).spec().maxEntries();
    }

    @Override
    public int read(Duration limit, Consumer<MemorySegment> receiver) {
        return events.await(limit, receiver::accept);
    }

    /** The program counts them itself. */
    @Override
    public long lost() {
        return 0;
    }

    @Override
    public void stop() {
        session.detach();
    }

    @Override
    public void close() {
        events.close();
    }
}
