package graft.cli.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import graft.syscalls.decode.Call;
import graft.syscalls.decode.CallText;
import graft.syscalls.decode.FilePaths;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventReaderTest {
    private static final int ENTER = 1;
    private static final int EXIT = 2;
    private static final int OPEN = 2;
    private static final int CLOSE = 3;
    private static final int FORK = 57;
    private static final int EXECVE = 59;
    private static final int EXIT_GROUP = 231;

    private final List<String> lines = new ArrayList<>();
    private final CallText text = new CallText(NamedConstants.x8664(), FilePaths.UNKNOWN);
    private final EventReader reader =
            new EventReader(SyscallTable.x8664(), call -> lines.add(call.tid() + " " + text.line(call)));

    @Test
    void whatTheCallReadComesWithItsBeginning() {
        reader.add(event(ENTER, 7, OPEN, 0, 100, "/x"));
        reader.add(event(EXIT, 7, OPEN, 3, 100, ""));

        assertThat(lines).containsExactly("7 open(\"/x\", O_RDONLY) = 3");
    }

    @Test
    void callsOfOtherThreadsDoNotMix() {
        reader.add(event(ENTER, 7, OPEN, 0, 100, "/x"));
        reader.add(event(ENTER, 8, OPEN, 0, 100, "/y"));
        reader.add(event(EXIT, 8, OPEN, 4, 100, ""));
        reader.add(event(EXIT, 7, OPEN, 3, 100, ""));

        assertThat(lines).containsExactly("8 open(\"/y\", O_RDONLY) = 4", "7 open(\"/x\", O_RDONLY) = 3");
    }

    @Test
    void callsThatReadNothingHaveOneEvent() {
        reader.add(event(EXIT, 7, CLOSE, 0, 100, ""));
        assertThat(lines).containsExactly("7 close(64) = 0");
    }

    @Test
    void whatAChildSeesOfItsBirthIsNoCall() {
        reader.add(event(EXIT, 8, FORK, 0, 0, ""));
        reader.add(event(EXIT, 7, FORK, 8, 100, ""));
        assertThat(lines).containsExactly("7 fork() = 8");
    }

    @Test
    void anExecutionMayBeginInAnotherThread() {
        reader.add(event(ENTER, 9, EXECVE, 0, 100, "/bin/x"));
        reader.add(event(EXIT, 7, EXECVE, 0, 0, ""));
        assertThat(lines).containsExactly("9 execve(\"/bin/x\", 0x41, 0x42) = 0");
        assertThat(reader.unfinished()).isEmpty();
    }

    @Test
    void endsOfProcessesAreCallsAtOnce() {
        reader.add(event(ENTER, 7, EXIT_GROUP, 0, 100, ""));
        assertThat(lines).containsExactly("7 exit_group(64) = ?");
    }

    @Test
    void callsWithoutAnEndAreLeft() {
        reader.add(event(ENTER, 7, OPEN, 0, 100, "/fifo"));
        assertThat(reader.unfinished().stream().map(Call::tid)).containsExactly(7);
    }

    private static MemorySegment event(int type, int tid, int number, long result, long entered, String path) {
        ByteBuffer event = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
        event.putInt(type)
                .putInt(1)
                .putInt(tid)
                .putInt(number)
                .putLong(200)
                .putLong(entered)
                .putLong(result);
        for (int i = 0; i < 6; i++) {
            event.putLong(number == OPEN && i == 1 ? 0 : 0x40 + i);
        }
        byte[] bytes = (path + "\0").getBytes(StandardCharsets.ISO_8859_1);
        if (!path.isEmpty()) {
            event.putInt(1).putInt(0);
            event.put((byte) 0)
                    .put((byte) 0)
                    .putShort((short) 0)
                    .putInt(bytes.length)
                    .putLong(bytes.length);
            event.put(bytes);
        }
        return MemorySegment.ofArray(event.array());
    }
}
