package graft.bridge;

import graft.ebpf.object.CollectionSpec;
import graft.platform.linux.NativeFd;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Maps and programs of one object in the kernel. Owns their descriptors, not those of maps that were given to it:
 * closing the collection leaves those alone, and programs that are still linked keep running.
 */
public final class KernelCollection implements AutoCloseable {
    private final Map<String, KernelMap> maps;
    private final Map<String, KernelMap> own;
    private final Map<String, KernelProg> programs;

    KernelCollection(Map<String, KernelMap> maps, Map<String, KernelMap> own, Map<String, KernelProg> programs) {
        this.maps = Collections.unmodifiableMap(maps);
        this.own = own;
        this.programs = Collections.unmodifiableMap(programs);
    }

    /**
     * Creates the maps and loads the programs.
     *
     * @param spec what to load, all of it; a caller that wants less gives a smaller one
     * @param shared maps that exist already, by their names in {@code spec}; they stay the caller's
     * @param pids the processes that tracepoint programs are for; every process when empty. Programs of uprobes are
     *     limited by their links.
     */
    public static KernelLoad load(CollectionSpec spec, Map<String, KernelMap> shared, Set<Integer> pids) {
        Optional<NativeFd> types = ObjectTypes.load(spec);
        try {
            return new CollectionLoader(spec, pids, types).load(shared);
        } finally {
            types.ifPresent(NativeFd::close);
        }
    }

    /** All maps by name, the shared ones too. */
    public Map<String, KernelMap> maps() {
        return maps;
    }

    /** All programs by name. */
    public Map<String, KernelProg> programs() {
        return programs;
    }

    @Override
    public void close() {
        programs.values().forEach(prog -> prog.fd().close());
        own.values().forEach(KernelMap::close);
    }
}
