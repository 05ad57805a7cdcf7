package graft.attach;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.platform.proc.MemoryMapping;
import java.util.Optional;

/** Unused bytes at the end of executable memory, where the handover routine runs. */
record Hole(RemoteAddress address, byte[] oldBytes) {
    /** Room for the routine and its words. */
    static final int SIZE = 1024;

    /** Looks in the vDSO first, then at the ends of executable segments; only reads. */
    static Optional<Hole> find(ProcMaps maps, ProcMem memory) {
        Optional<Hole> vdso = maps.mappings().stream()
                .filter(m -> m.path().equals(Optional.of("[vdso]")))
                .flatMap(m -> tail(m, memory).stream())
                .findFirst();
        return vdso.isPresent()
                ? vdso
                : maps.mappings().stream()
                        .filter(m -> m.isExecutable() && m.isFile())
                        .flatMap(m -> tail(m, memory).stream())
                        .findFirst();
    }

    /** Only bytes that are all zero count as unused: no instruction sequence of a compiler is a kilobyte of zeros. */
    private static Optional<Hole> tail(MemoryMapping mapping, ProcMem memory) {
        RemoteAddress address = mapping.end().plus(-SIZE);
        byte[] bytes = memory.readBytes(address, SIZE);
        for (byte value : bytes) {
            if (value != 0) {
                return Optional.empty();
            }
        }
        return Optional.of(new Hole(address, bytes));
    }

    boolean contains(long programCounter) {
        return programCounter >= address.value() && programCounter < address.value() + oldBytes.length;
    }
}
