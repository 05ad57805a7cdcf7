package graft.ebpf.object;

import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Variables in an arena: they are the first bytes of the object's only one. */
final class ArenaData {
    /** Where compilers put what is in address space 1. */
    static final String SECTION = ".addr_space.1";

    private ArenaData() {}

    /** The name of the arena that an object may have. */
    static Optional<String> arena(Map<String, MapSpec> maps) {
        List<String> arenas = maps.values().stream()
                .filter(map -> map.type() == MapType.ARENA)
                .map(MapSpec::name)
                .toList();
        if (arenas.size() > 1) {
            throw bad(arenas.get(1), "it is an arena, and so is " + arenas.getFirst(), "use one arena in an object");
        }
        return arenas.stream().findFirst();
    }

    /** Gives the arena its first bytes. */
    static void fill(ElfFile elf, Map<String, MapSpec> maps) {
        Optional<String> arena = arena(maps);
        for (ElfSection section : elf.sections()) {
            if (section.name().equals(SECTION) && section.size() != 0) {
                MapSpec map = maps.get(arena.orElseThrow(() -> bad(
                        SECTION, "variables in an arena, and no arena", "define a map of type BPF_MAP_TYPE_ARENA")));
                maps.put(
                        map.name(),
                        map.but()
                                .content(new MapSpec.Content(bytes(elf, section, map)))
                                .build());
            }
        }
    }

    private static byte[] bytes(ElfFile elf, ElfSection section, MapSpec map) {
        long room = ArenaArea.of(map).bytes();
        if (section.size() < 0 || section.size() > Math.min(room, MapReader.MAX_DATA)) {
            throw bad(
                    map.name(),
                    "the variables in the arena take %d bytes, and it has %d".formatted(section.size(), room),
                    "a larger max_entries, which counts pages");
        }
        return section.type() == ElfSection.NOBITS ? new byte[(int) section.size()] : elf.content(section);
    }

    private static RefusedException bad(String where, String why, String suggestion) {
        return new RefusedException(LoadResult.Reason.BAD_MAP, where, why, suggestion);
    }
}
