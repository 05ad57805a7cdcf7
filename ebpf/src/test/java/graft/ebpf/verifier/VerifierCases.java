package graft.ebpf.verifier;

import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Cases from {@code verifier/cases.txt}: "== name | accept" or "== name | CAUSE", then code. */
final class VerifierCases {
    /** One case; {@code expected} is {@code accept} or the name of a cause. */
    record Case(String name, ProgType type, String expected, String code) {
        ProgSpec prog() {
            return new ProgSpec(
                    name, "test", type, Optional.empty(), CaseAssembler.assemble(code), List.of(), List.of(), "GPL");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private VerifierCases() {}

    /** The maps of all cases, in the order the oracle numbers them. */
    static Map<String, MapSpec> maps() {
        byte[] content = new byte[16];
        System.arraycopy("graft".getBytes(StandardCharsets.US_ASCII), 0, content, 0, 5);
        content[8] = 7;
        Map<String, MapSpec> maps = new LinkedHashMap<>();
        maps.put("hash", MapSpec.of("hash", MapType.HASH, 4, 8, 16));
        maps.put("array", MapSpec.of("array", MapType.ARRAY, 4, 64, 16));
        maps.put(
                "rodata",
                new MapSpec.Builder("rodata", MapType.ARRAY)
                        .sizes(4, 16, 1)
                        .flags(MapSpec.READ_ONLY_FOR_PROGRAMS)
                        .content(new MapSpec.Content(content))
                        .access(MapSpec.Access.READ_ONLY)
                        .build());
        maps.put("ring", MapSpec.of("ring", MapType.RINGBUF, 0, 0, 4096));
        maps.put("data", MapSpec.of("data", MapType.ARRAY, 4, 32, 1));
        maps.put("percpu", MapSpec.of("percpu", MapType.PERCPU_HASH, 8, 16, 16));
        maps.put("storage", MapSpec.of("storage", MapType.TASK_STORAGE, 4, 16, 0));
        maps.put("user_ring", MapSpec.of("user_ring", MapType.USER_RINGBUF, 0, 0, 4096));
        return maps;
    }

    static List<Case> all() {
        List<Case> cases = new ArrayList<>();
        for (String block : text("cases.txt").split("(?m)^== ")) {
            if (block.isBlank() || block.startsWith("#")) {
                continue;
            }
            int end = block.indexOf('\n');
            String[] head = block.substring(0, end).split(" \\| ");
            ProgType type = head.length > 2 ? ProgType.valueOf(head[2].strip()) : ProgType.UPROBE;
            cases.add(new Case(head[0].strip(), type, head[1].strip(), block.substring(end + 1)));
        }
        return cases;
    }

    static String text(String resource) {
        try (InputStream in = VerifierCases.class.getResourceAsStream("/verifier/" + resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
