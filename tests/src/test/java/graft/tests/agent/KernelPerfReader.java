package graft.tests.agent;

import graft.ebpf.maps.PerfBuffers;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A reader of the kernel's perf buffers, which knows nothing of graft but where they are: step by step what libbpf does
 * ({@code perf_event_read_simple}), with the offsets of {@code linux/perf_event.h}.
 */
final class KernelPerfReader {
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int PAGE = 4096;
    private static final int DATA_HEAD = 1024;
    private static final int DATA_TAIL = 1032;
    private static final int LOST = 2;
    private static final int SAMPLE = 9;

    /** Takes the data of one sample, from position to limit. */
    interface Consumer {
        void accept(int cpu, ByteBuffer data);
    }

    private final List<ByteBuffer> pages = new ArrayList<>();
    private final int mmapSize;
    private long lost;

    KernelPerfReader(PerfBuffers buffers) throws IOException {
        mmapSize = buffers.dataBytes();
        try (FileChannel file = FileChannel.open(
                Path.of(AgentHost.pathOf(buffers)), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int cpu = 0; cpu < buffers.cpus(); cpu++) {
                pages.add(file.map(FileChannel.MapMode.READ_WRITE, buffers.page(cpu), PAGE + mmapSize)
                        .order(ByteOrder.nativeOrder()));
            }
        }
    }

    /** What records of losses said so far. */
    long lost() {
        return lost;
    }

    int drain(Consumer consumer) {
        int samples = 0;
        for (int cpu = 0; cpu < pages.size(); cpu++) {
            samples += readSimple(cpu, consumer);
        }
        return samples;
    }

    private int readSimple(int cpu, Consumer consumer) {
        ByteBuffer header = pages.get(cpu);
        long dataHead = (long) LONG.getAcquire(header, DATA_HEAD);
        long dataTail = (long) LONG.get(header, DATA_TAIL);
        int samples = 0;
        while (dataHead != dataTail) {
            int at = (int) (dataTail & mmapSize - 1);
            int size = Short.toUnsignedInt(header.getShort(PAGE + at + 6));
            ByteBuffer record = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
            int first = Math.min(size, mmapSize - at);
            record.put(0, header, PAGE + at, first);
            record.put(first, header, PAGE, size - first);
            samples += process(cpu, record, consumer);
            dataTail += size;
        }
        LONG.setRelease(header, DATA_TAIL, dataTail);
        return samples;
    }

    /** {@code perf_buffer__process_record}: others end libbpf's reading. */
    private int process(int cpu, ByteBuffer record, Consumer consumer) {
        return switch (record.getInt(0)) {
            case SAMPLE -> {
                consumer.accept(cpu, record.slice(12, record.getInt(8)).order(ByteOrder.nativeOrder()));
                yield 1;
            }
            case LOST -> {
                lost += record.getLong(16);
                yield 0;
            }
            default -> throw new AssertionError("unknown perf sample type " + record.getInt(0));
        };
    }
}
