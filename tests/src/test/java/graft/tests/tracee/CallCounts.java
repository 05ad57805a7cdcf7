package graft.tests.tracee;

import static org.assertj.core.api.Assertions.assertThat;

import graft.bridge.RunningKernel;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.maps.ArrayMap;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/** The programs of {@code syscalls.bpf.c}, which count a tracee's system calls by number. */
final class CallCounts {
    /** Counted here: the two contexts of a call do not agree. */
    static final int WRONG = 511;

    private static final int NUMBERS = 512;
    private static final Path OBJECT = Path.of("target/test-classes/bpf/syscalls.bpf.o");

    private CallCounts() {}

    /** With the kernel's types, which libbpf's macros ask for. */
    static SessionRequest request(Tracee tracee) throws IOException {
        LoadResult result =
                ObjectLoader.load(OBJECT.toString(), Files.readAllBytes(OBJECT), new RunningKernel().facts());
        assertThat(result).isInstanceOf(LoadResult.Loaded.class);
        CollectionSpec spec = ((LoadResult.Loaded) result).spec();
        return new SessionRequest(spec, SectionLinks.of(spec).links(), List.of(tracee.pid()));
    }

    /** The same with programs of some types only. */
    static SessionRequest only(Set<ProgType> types, SessionRequest all) {
        Map<String, ProgSpec> programs = new LinkedHashMap<>(all.object().programs());
        programs.values().removeIf(program -> !types.contains(program.type()));
        CollectionSpec object = new CollectionSpec(
                all.object().origin(),
                all.object().maps(),
                programs,
                all.object().btf());
        return new SessionRequest(object, SectionLinks.of(object).links(), all.pids());
    }

    /** What a map says. */
    static Map<Integer, Long> of(Session session, String map) {
        ArrayMap counts = (ArrayMap) session.collection().map(map).orElseThrow();
        return of(counts::longAt);
    }

    /** Those that are not zero. */
    static Map<Integer, Long> of(Function<Integer, Long> count) {
        Map<Integer, Long> all = new TreeMap<>();
        for (int number = 0; number < NUMBERS; number++) {
            long value = count.apply(number);
            if (value != 0) {
                all.put(number, value);
            }
        }
        return all;
    }
}
