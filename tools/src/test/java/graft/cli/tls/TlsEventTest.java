package graft.cli.tls;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TlsEventTest {
    private static MemorySegment record(int type, int direction, int captured) {
        ByteBuffer bytes = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(type)
                .putInt(direction)
                .putInt(7)
                .putInt(8)
                .putLong(9)
                .putLong(10)
                .putInt(11)
                .putInt(captured);
        return MemorySegment.ofArray(bytes.put(new byte[] {'a', 'b', 'c'}).array());
    }

    @Test
    void readsTheHeaderAndTheCapturedBytes() {
        assertThat(TlsEvent.decode(record(1, 1, 3)))
                .contains(new TlsEvent(TlsEvent.Direction.WRITE, 7, 8, 9, 10, 11, new byte[] {'a', 'b', 'c'}));
    }

    @Test
    void refusesOtherRecords() {
        assertThat(TlsEvent.decode(record(2, 0, 3))).isEmpty();
        assertThat(TlsEvent.decode(record(1, 2, 3))).isEmpty();
        assertThat(TlsEvent.decode(record(1, 0, 9))).isEmpty();
        assertThat(TlsEvent.decode(record(1, 0, -1))).isEmpty();
        assertThat(TlsEvent.decode(MemorySegment.ofArray(new byte[39]))).isEmpty();
    }
}
