package graft.cli.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TlsTallyTest {
    private static MemorySegment record(int direction, int length, int captured) {
        ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, 1).putInt(4, direction).putInt(32, length).putInt(36, captured);
        return MemorySegment.ofArray(bytes.array());
    }

    @Test
    void countsEventsAndBytesByDirection() {
        TlsTally tally = new TlsTally(TlsTally.Depth.COPY);
        tally.add(record(0, 10, 10));
        tally.add(record(1, 20, 20));
        tally.add(record(1, 24, 24));
        assertThat(tally.totals()).isEqualTo(new TlsTally.Totals(1, 10, 2, 44, 0));
        assertThat(tally.events()).isEqualTo(3);
    }

    @Test
    void noticesWhatWasCut() {
        TlsTally tally = new TlsTally(TlsTally.Depth.COPY);
        tally.add(record(0, 100, 24));
        assertThat(tally.totals().cut()).isEqualTo(1);
    }

    @Test
    void refusesToCountOtherRecords() {
        TlsTally tally = new TlsTally(TlsTally.Depth.COPY);
        tally.add(MemorySegment.ofArray(new byte[8]));
        assertThatThrownBy(tally::totals).hasMessage("1 records are no TLS events");
    }

    @Test
    void looksAtTheBeginningOfTheDataInPlace() {
        TlsTally tally = new TlsTally(TlsTally.Depth.LOOK);
        ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, 1).putInt(4, 0).putInt(32, 3).putInt(36, 3).put(40, (byte) 'G');
        tally.add(MemorySegment.ofArray(bytes.array()));
        tally.add(record(0, 3, 3));
        assertThat(tally.totals().reads()).isEqualTo(2);
        assertThat(tally.texts()).isEqualTo(1);
    }
}
