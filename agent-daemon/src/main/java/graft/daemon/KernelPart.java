package graft.daemon;

import graft.bridge.KernelMap;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.object.MapSpec;
import graft.platform.linux.SysException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The kernel's part of a {@link Placement}: opened first, because its arrays are the memory that the processes share.
 * Owns those arrays and the programs in the kernel; to be closed after the session that was given {@link #arrays}.
 */
public final class KernelPart implements AutoCloseable {
    private final Map<String, KernelMap> maps;
    private final Map<String, BpfMap> arrays;
    private final KernelSession session;

    private KernelPart(Map<String, KernelMap> maps, Map<String, BpfMap> arrays, KernelSession session) {
        this.maps = maps;
        this.arrays = arrays;
        this.session = session;
    }

    /** The outcome of opening. */
    public sealed interface Opening {
        /** The kernel's programs run. */
        record Opened(KernelPart part) implements Opening {}

        /** Nothing runs, and why. */
        record Refused(KernelSession.Opening why) implements Opening {}
    }

    /** Makes the shared arrays and starts the programs in the kernel. */
    public static Opening open(Placement placement) {
        Map<String, KernelMap> maps = new LinkedHashMap<>();
        Optional<KernelSession> opened = Optional.empty();
        try {
            for (String name : placement.shared()) {
                MapSpec spec = placement.inKernel().object().maps().get(name);
                maps.put(name, KernelMap.create(mappable(spec), Optional.empty()));
            }
            KernelSession.Opening opening = KernelSession.open(placement.inKernel(), maps);
            if (!(opening instanceof KernelSession.Opening.Opened(var session))) {
                return new Opening.Refused(opening);
            }
            opened = Optional.of(session);
            Map<String, BpfMap> arrays = new LinkedHashMap<>();
            maps.forEach((name, map) -> arrays.put(name, ArrayMap.overKernelArray(map.fd(), map.spec())));
            return new Opening.Opened(new KernelPart(maps, arrays, session));
        } catch (SysException failed) {
            opened.ifPresent(KernelSession::close);
            return new Opening.Refused(new KernelSession.Opening.Refused(
                    "an array in the kernel", failed.getMessage(), "run as root, or with CAP_BPF and CAP_PERFMON"));
        } finally {
            if (opened.isEmpty()) {
                maps.values().forEach(KernelMap::close);
            }
        }
    }

    /** Programs do not see the difference. */
    private static MapSpec mappable(MapSpec spec) {
        return spec.but().flags(spec.flags() | MapSpec.MMAPABLE).build();
    }

    /** The shared arrays as a session of processes takes them, by name. */
    public Map<String, BpfMap> arrays() {
        return Map.copyOf(arrays);
    }

    /** What runs in the kernel. */
    public KernelSession session() {
        return session;
    }

    @Override
    public void close() {
        session.close();
        arrays.values().forEach(BpfMap::close);
        maps.values().forEach(KernelMap::close);
    }
}
