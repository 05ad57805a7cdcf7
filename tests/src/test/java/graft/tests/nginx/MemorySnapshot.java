package graft.tests.nginx;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A process's address space at one moment: every mapping, and the bytes of those that the process itself cannot change:
 * all file mappings without write permission, and the kernel's code page.
 *
 * @param mappings as {@code /proc/PID/maps} lists them
 * @param bytes of each unwritable mapping
 */
record MemorySnapshot(List<MemoryMapping> mappings, Map<RemoteAddress, byte[]> bytes) {

    static MemorySnapshot of(int pid) {
        List<MemoryMapping> mappings = ProcessMaps.of(pid).mappings();
        Map<RemoteAddress, byte[]> bytes = new LinkedHashMap<>();
        try (ProcMem memory = ProcMem.open(pid)) {
            for (MemoryMapping mapping : mappings) {
                if (isConstant(mapping)) {
                    bytes.put(mapping.start(), memory.readBytes(mapping.start(), Math.toIntExact(mapping.size())));
                }
            }
        }
        return new MemorySnapshot(mappings, bytes);
    }

    private static boolean isConstant(MemoryMapping mapping) {
        boolean readable = mapping.permissions().startsWith("r-");
        return readable && (mapping.isFile() || mapping.path().equals(Optional.of("[vdso]")));
    }

    /** How many bytes of unwritable memory are held. */
    long size() {
        return bytes.values().stream().mapToLong(content -> content.length).sum();
    }

    /** Every byte of unwritable memory that is another one in {@code later}: where, and what it is there. */
    SortedMap<RemoteAddress, Byte> changesTo(MemorySnapshot later) {
        SortedMap<RemoteAddress, Byte> changes = new TreeMap<>();
        bytes.forEach((start, before) -> {
            byte[] after = later.bytes.get(start);
            for (int i = 0; i < before.length; i++) {
                if (before[i] != after[i]) {
                    changes.put(start.plus(i), after[i]);
                }
            }
        });
        return changes;
    }

    /** The mappings that only this snapshot has. */
    List<MemoryMapping> without(MemorySnapshot other) {
        return mappings.stream()
                .filter(mapping -> !other.mappings.contains(mapping))
                .toList();
    }
}
