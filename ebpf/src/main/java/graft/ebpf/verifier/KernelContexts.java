package graft.ebpf.verifier;

import graft.ebpf.object.KernelSection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads {@code contexts.table}, which explains itself: what the kernel's program types see through r1. */
final class KernelContexts {
    private static final List<Row> ROWS = read();

    private KernelContexts() {}

    /** What a load from the context gives. */
    enum Field {
        NUMBER,
        PACKET,
        PACKET_META,
        PACKET_END,
        SOCKET,
        SOCKET_OR_NULL,
        SOCK_COMMON_OR_NULL,
        FLOW_KEYS,
        KERNEL
    }

    /** A field that may be accessed. */
    record Found(Field field, String struct) {}

    /** Load or store. */
    enum Access {
        READ,
        WRITE
    }

    private record Row(List<String> types, int from, int to, Sizes read, Sizes write, Found found) {
        boolean isFor(KernelSection section) {
            String number = Integer.toString(section.type().number());
            return types.contains(number) || types.contains(number + "/" + section.kind());
        }
    }

    private record Sizes(int least, int most) {
        boolean include(int bytes) {
            return bytes >= least && bytes <= most;
        }
    }

    /** The field at an offset; nothing when this program may not access it this way. */
    static Optional<Found> find(KernelSection section, long offset, int bytes, Access access) {
        if (offset < 0 || offset % bytes != 0) {
            return Optional.empty();
        }
        for (Row row : ROWS) {
            if (row.isFor(section) && offset >= row.from && offset < row.to) {
                Sizes sizes = access == Access.READ ? row.read : row.write;
                boolean allowed = sizes.include(bytes) && offset + bytes <= row.to;
                return allowed ? Optional.of(row.found) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    private static List<Row> read() {
        List<Row> rows = new ArrayList<>();
        for (String line : Prototypes.text("contexts.table").lines().toList()) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] words = line.split(" ");
                String[] range = words[1].split("-");
                rows.add(new Row(
                        types(words[0]),
                        Integer.parseInt(range[0]),
                        Integer.parseInt(range[1]),
                        sizes(words[2]),
                        sizes(words[3]),
                        found(words[4])));
            }
        }
        return List.copyOf(rows);
    }

    private static List<String> types(String text) {
        List<String> types = new ArrayList<>();
        for (String part : text.split(",")) {
            if (part.contains("/") || !part.contains("-")) {
                types.add(part);
            } else {
                int[] ends = Arrays.stream(part.split("-"))
                        .mapToInt(Integer::parseInt)
                        .toArray();
                for (int type = ends[0]; type <= ends[1]; type++) {
                    types.add(Integer.toString(type));
                }
            }
        }
        return List.copyOf(types);
    }

    private static Sizes sizes(String text) {
        return switch (text) {
            case "-" -> new Sizes(9, 0);
            case "*" -> new Sizes(1, 8);
            default ->
                text.startsWith("<=")
                        ? new Sizes(1, Integer.parseInt(text.substring(2)))
                        : new Sizes(Integer.parseInt(text), Integer.parseInt(text));
        };
    }

    private static Found found(String text) {
        if (text.startsWith("btf:")) {
            return new Found(Field.KERNEL, text.substring(4));
        }
        return new Found(
                switch (text) {
                    case "number" -> Field.NUMBER;
                    case "packet" -> Field.PACKET;
                    case "meta" -> Field.PACKET_META;
                    case "end" -> Field.PACKET_END;
                    case "socket" -> Field.SOCKET;
                    case "socket?" -> Field.SOCKET_OR_NULL;
                    case "common?" -> Field.SOCK_COMMON_OR_NULL;
                    case "flow" -> Field.FLOW_KEYS;
                    default -> throw new IllegalStateException("contexts.table: " + text);
                },
                "");
    }
}
