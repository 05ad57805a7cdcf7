package graft.cli.syscalls;

import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.syscalls.SyscallSpec;
import graft.syscalls.decode.StructTable;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** What the packaged program is told, and what it tells. Borrows the place. */
public final class SyscallTrace {
    private final TracePlace place;

    /** @param place where the program runs; it traces nothing yet */
    public SyscallTrace(TracePlace place) {
        this.place = place;
    }

    /** Whether calls are reported or counted. */
    public enum Mode {
        EVENTS,
        STATISTICS
    }

    /** {@code settings.follow}. */
    private enum Followed {
        GIVEN,
        CHILDREN_TOO,
        EVERYONE
    }

    /** Says which calls are traced and how. */
    public void trace(List<SyscallSpec> calls, int shown, Mode mode, ForkedChildren children) {
        CaptureTable table = new CaptureTable(StructTable.packaged(), shown);
        for (SyscallSpec call : calls) {
            place.update("calls", number(call.number()), table.entry(call));
        }
        byte[] settings = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(mode.ordinal())
                .putInt(followed(children).ordinal())
                .array();
        place.update("settings", number(0), settings);
    }

    private Followed followed(ForkedChildren children) {
        return switch (place.reach()) {
            case CHOSEN -> Followed.EVERYONE;
            case MACHINE ->
                switch (children) {
                    case LEFT -> Followed.GIVEN;
                    case FOLLOWED -> Followed.CHILDREN_TOO;
                };
        };
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
        place.update("followed", number(pid), number(since.state));
    }

    /** Whether a traced process lives, as far as the place does not know; the ended ones are forgotten. */
    public boolean hasLiveProcess() {
        boolean alive = place.reach() == TracePlace.Reach.CHOSEN;
        for (byte[] key : place.keys("followed")) {
            int pid = ByteBuffer.wrap(key).order(ByteOrder.LITTLE_ENDIAN).getInt();
            if (Files.exists(Path.of("/proc", Integer.toString(pid)))) {
                alive = true;
            } else {
                place.delete("followed", key);
            }
        }
        return alive;
    }

    /** Takes the events that are there; waits for some, at most for {@code limit}. How many there were. */
    public int read(Duration limit, Consumer<MemorySegment> receiver) {
        return place.read(limit, receiver);
    }

    /** No further event is made. */
    public void stop() {
        place.stop();
    }

    /** What the calls have been counted to, by number. */
    public List<byte[]> statistics() {
        return IntStream.range(0, place.size("statistics"))
                .mapToObj(number -> place.lookup("statistics", number(number)).orElseThrow())
                .toList();
    }

    /** Events that did not arrive, by cause. */
    public Map<String, Long> lost() {
        Map<String, Long> lost = new LinkedHashMap<>();
        lost.put("ring full", counted(0));
        lost.put("ring busy", place.lost());
        lost.put("no thread slot", counted(1));
        return lost;
    }

    private long counted(int cause) {
        byte[] value = place.lookup("lost", number(cause)).orElseThrow();
        return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }
}
