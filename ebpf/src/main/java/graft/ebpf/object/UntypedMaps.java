package graft.ebpf.object;

import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Map definitions without BTF, in the section {@code maps}. A definition is as long as its symbol: 20 bytes are the
 * kernel's {@code bpf_map_def}, 28 are Aya's (with id and pinning), 36 are iproute2's {@code bpf_elf_map} (with id,
 * pinning, the id of the map that describes the inner ones, and an index).
 */
final class UntypedMaps {
    private static final int PLAIN = 20;
    private static final int WITH_PINNING = 28;
    private static final int WITH_INNER = 36;
    private static final int MAX_BYTES = 4096;

    private final ElfFile elf;
    private final ElfSection section;
    private final List<String> notes;

    UntypedMaps(ElfFile elf, ElfSection section, List<String> notes) {
        this.elf = elf;
        this.section = section;
        this.notes = notes;
    }

    private record Row(MapSpec map, int id, int inner) {}

    Map<String, MapSpec> read(MapSymbols symbols) {
        ByteBuffer bytes = ByteBuffer.wrap(elf.content(section)).order(ByteOrder.LITTLE_ENDIAN);
        List<Row> rows = new ArrayList<>();
        for (MapSymbols.Definition definition : symbols.in(section)) {
            rows.add(row(definition, bytes));
        }
        if (rows.isEmpty()) {
            throw bad(section.name(), "no symbol says where its maps are");
        }
        Map<Integer, MapSpec> byId = new HashMap<>();
        rows.stream().filter(row -> row.id != 0).forEach(row -> byId.putIfAbsent(row.id, row.map));
        Map<String, MapSpec> maps = new LinkedHashMap<>();
        for (Row row : rows) {
            Optional<MapSpec> inner = row.inner == 0
                    ? Optional.empty()
                    : Optional.ofNullable(byId.get(row.inner)).filter(map -> map != row.map);
            maps.put(row.map.name(), inner.map(row.map::holding).orElse(row.map));
        }
        return maps;
    }

    private Row row(MapSymbols.Definition definition, ByteBuffer bytes) {
        long size = definition.size();
        long start = definition.offset();
        if (start < 0 || size < PLAIN || size > MAX_BYTES || start > bytes.limit() - size) {
            throw bad(definition.name(), "a definition of %d bytes at %d of %d".formatted(size, start, bytes.limit()));
        }
        int at = (int) start;
        if (size != PLAIN && size != WITH_PINNING && size != WITH_INNER && anySet(bytes, at + PLAIN, size - PLAIN)) {
            throw bad(definition.name(), "a definition of %d bytes, of which graft knows %d".formatted(size, PLAIN));
        }
        if (size >= WITH_PINNING && bytes.getInt(at + 24) != 0) {
            notes.add("map %s: it is not pinned, but made for this run".formatted(definition.name()));
        }
        int number = bytes.getInt(at);
        MapType type = MapType.byNumber(number)
                .orElseThrow(() -> bad(definition.name(), "map type %d is not known".formatted(number)));
        MapSpec map = new MapSpec.Builder(definition.name(), type)
                .sizes(bytes.getInt(at + 4), bytes.getInt(at + 8), bytes.getInt(at + 12))
                .flags(bytes.getInt(at + 16))
                .build();
        return new Row(
                MapShape.fitted(map),
                size >= WITH_PINNING ? bytes.getInt(at + 20) : 0,
                size == WITH_INNER ? bytes.getInt(at + 28) : 0);
    }

    private static boolean anySet(ByteBuffer bytes, int from, long count) {
        for (int at = from; at < from + count; at++) {
            if (bytes.get(at) != 0) {
                return true;
            }
        }
        return false;
    }

    private static RefusedException bad(String where, String why) {
        return new RefusedException(
                LoadResult.Reason.BAD_MAP, where, why, "define maps in SEC(\".maps\") with __uint and __type");
    }
}
