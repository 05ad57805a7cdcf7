package graft.tests.run;

import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The map {@code counts} of {@code count_array.bpf.c} in the memory of a target, where it outlives graft. */
final class MappedCounts {
    private MappedCounts() {}

    static long first(int pid) {
        MemoryMapping map = ProcessMaps.of(pid).mappings().stream()
                .filter(mapping -> mapping.path()
                        .filter(path -> path.contains("graft-map-counts"))
                        .isPresent())
                .findFirst()
                .orElseThrow();
        try (ProcMem memory = ProcMem.open(pid)) {
            return ByteBuffer.wrap(memory.readBytes(map.start(), Long.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
        }
    }
}
