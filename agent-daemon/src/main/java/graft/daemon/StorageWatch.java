package graft.daemon;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Graft's own programs for maps with values for threads. The kernel frees a thread's value with the thread; here its number would
 * lead the next one to it. So a thread's value is deleted before it ends, and, as it may end otherwise, once more when a thread with
 * this number begins.
 */
final class StorageWatch {
    private static final String ENDS = ".ends.";
    private static final String BEGINS = ".begins.";
    private static final List<String> BEGINNINGS = List.of("clone", "clone3", "fork", "vfork");

    private StorageWatch() {}

    /** Whether it is one of these programs. */
    static boolean isOwn(ProgSpec program) {
        return SyscallWatch.isOwn(program)
                && (program.name().startsWith(ENDS) || program.name().startsWith(BEGINS));
    }

    /** The request with these programs too, when its object has such a map. */
    static SessionRequest expanded(SessionRequest request) {
        List<String> maps = request.object().maps().values().stream()
                .filter(map -> map.type() == MapType.TASK_STORAGE)
                .map(MapSpec::name)
                .toList();
        if (maps.isEmpty()) {
            return request;
        }
        Map<String, ProgSpec> programs = new LinkedHashMap<>(request.object().programs());
        List<LinkRequest> links = new ArrayList<>(request.links());
        for (String map : maps) {
            String ends = ENDS + map;
            programs.put(ends, program(ends, ProgType.SYSCALL_ENTER, "watch-ends.s", map));
            links.add(new LinkRequest.Syscall(ends, Optional.of("exit"), LinkRequest.Edge.ENTER, 0));
            String begins = BEGINS + map;
            programs.put(begins, program(begins, ProgType.SYSCALL_EXIT, "watch-begins.s", map));
            BEGINNINGS.forEach(
                    call -> links.add(new LinkRequest.Syscall(begins, Optional.of(call), LinkRequest.Edge.EXIT, 0)));
        }
        return request.with(request.object().with(request.object().maps(), programs), links);
    }

    private static ProgSpec program(String name, ProgType type, String resource, String map) {
        return SyscallWatch.program(name, type, SyscallWatch.text(resource).replace("STORAGE", map));
    }
}
