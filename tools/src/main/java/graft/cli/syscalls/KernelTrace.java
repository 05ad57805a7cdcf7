package graft.cli.syscalls;

import graft.bridge.KernelMap;
import graft.bridge.KernelRingBuffer;
import graft.daemon.KernelSession;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.syscalls.SyscallSpec;
import graft.syscalls.decode.StructTable;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** The program in the kernel, at its tracepoints. Borrows the session; closing ends the reading only. */
public final class KernelTrace implements AutoCloseable {
    private final KernelSession session;
    private final KernelRingBuffer events;

    /** @param session of the packaged program, which traces nothing yet */
    public KernelTrace(KernelSession session) {
        this.session = session;
        this.events = KernelRingBuffer.open(map("events"));
    }

    /** Whether calls are reported or counted. */
    public enum Mode {
        EVENTS,
        STATISTICS
    }

    /** Says which calls are traced and how. */
    public void trace(List<SyscallSpec> calls, int shown, Mode mode, ForkedChildren children) {
        CaptureTable table = new CaptureTable(StructTable.packaged(), shown);
        for (SyscallSpec call : calls) {
            map("calls").update(number(call.number()), table.entry(call), 0);
        }
        byte[] settings = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(mode.ordinal())
                .putInt(
                        switch (children) {
                            case LEFT -> 0;
                            case FOLLOWED -> 1;
                        })
                .array();
        map("settings").update(number(0), settings, 0);
    }

    /** Since when a process is traced. */
    public enum Since {
        /** From now on. */
        NOW(1),
        /** Since its first call: it is held at its entry, by calls that are not its own. */
        ENTRY(2);

        private final int state;

        Since(int state) {
            this.state = state;
        }
    }

    /** Traces a process. */
    public void follow(int pid, Since since) {
        map("followed").update(number(pid), number(since.state), 0);
    }

    /** Whether a traced process lives; the ended ones are forgotten. */
    public boolean hasLiveProcess() {
        boolean alive = false;
        for (byte[] key : map("followed").keys()) {
            int pid = ByteBuffer.wrap(key).order(ByteOrder.LITTLE_ENDIAN).getInt();
            if (Files.exists(Path.of("/proc", Integer.toString(pid)))) {
                alive = true;
            } else {
                map("followed").delete(key);
            }
        }
        return alive;
    }

    /** Takes the events that are there; waits for some, at most for {@code limit}. How many there were. */
    public int read(Duration limit, Consumer<MemorySegment> receiver) {
        return events.await(limit, receiver::accept);
    }

    /** No further event is made. */
    public void stop() {
        session.detach();
    }

    /** What the calls have been counted to, by number. */
    public List<byte[]> statistics() {
        KernelMap statistics = map("statistics");
        return IntStream.range(0, statistics.spec().maxEntries())
                .mapToObj(number -> statistics.lookup(number(number)).orElseThrow())
                .toList();
    }

    /** Events that found no room in the ring, then calls of threads that found none in the table. */
    public List<Long> lost() {
        return IntStream.range(0, 2)
                .mapToObj(cause -> map("lost").lookup(number(cause)).orElseThrow())
                .map(value ->
                        ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong())
                .toList();
    }

    /** Number of attachments. */
    public int links() {
        return session.links();
    }

    private KernelMap map(String name) {
        KernelMap map = session.maps().get(name);
        if (map == null) {
            throw new AssertionError("the program has no map " + name);
        }
        return map;
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    @Override
    public void close() {
        events.close();
    }
}
