package graft.ebpf.object;

import graft.ebpf.btf.Btf;
import graft.ebpf.btf.BtfType;
import graft.platform.elf.ElfFile;
import graft.platform.elf.ElfSection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** Reads the maps that an object defines, with and without BTF, and one array for each data section. */
final class MapReader {
    private static final int MAX_NESTING = 2;
    static final int MAX_DATA = 64 << 20;

    private final ElfFile elf;
    private final Optional<Btf> btf;
    private final MapSymbols symbols;
    private final List<String> notes;
    private final Set<String> pinned = new LinkedHashSet<>();

    MapReader(ElfFile elf, Optional<Btf> btf, MapSymbols symbols, List<String> notes) {
        this.elf = elf;
        this.btf = btf;
        this.symbols = symbols;
        this.notes = notes;
    }

    Map<String, MapSpec> read() {
        Map<String, MapSpec> maps = new LinkedHashMap<>();
        for (ElfSection section : elf.sections()) {
            if (section.name().equals(MapSymbols.UNTYPED) && section.size() > 0) {
                maps.putAll(new UntypedMaps(elf, section, notes).read(symbols));
            } else if (section.name().equals(MapSymbols.TYPED)) {
                readDefinitions(maps);
            } else if (isData(section) && section.size() > 0) {
                maps.put(section.name(), data(section));
            }
        }
        ArenaData.fill(elf, maps);
        return maps;
    }

    static boolean isData(ElfSection section) {
        String name = section.name();
        boolean named = name.startsWith(".data") || name.startsWith(".rodata") || name.startsWith(".bss");
        return named && section.has(ElfSection.ALLOC);
    }

    private MapSpec data(ElfSection section) {
        if (section.size() < 0 || section.size() > MAX_DATA) {
            throw bad(section.name(), "%d bytes of data".formatted(section.size()), "use a map for large data");
        }
        boolean readOnly = section.name().startsWith(".rodata");
        int size = (int) section.size();
        byte[] content = section.type() == ElfSection.NOBITS ? new byte[size] : elf.content(section);
        OptionalInt variables = dataSection(section.name());
        return new MapSpec.Builder(section.name(), MapType.ARRAY)
                .sizes(4, size, 1)
                .flags(MapSpec.MMAPABLE | (readOnly ? MapSpec.READ_ONLY_FOR_PROGRAMS : 0))
                .types(OptionalInt.empty(), variables)
                .content(new MapSpec.Content(content))
                .access(readOnly ? MapSpec.Access.READ_ONLY : MapSpec.Access.READ_WRITE)
                .marked(variables.isPresent() ? SpecialField.of(btf.orElseThrow(), variables.getAsInt()) : List.of())
                .build();
    }

    private OptionalInt dataSection(String name) {
        if (btf.isEmpty()) {
            return OptionalInt.empty();
        }
        return btf.get().named(name).stream()
                .filter(id -> btf.get().type(id) instanceof BtfType.DataSection)
                .mapToInt(id -> id)
                .findFirst();
    }

    private void readDefinitions(Map<String, MapSpec> maps) {
        Btf types = btf.orElseThrow(() -> bad(".maps", "no BTF describes the maps", "compile with -g"));
        OptionalInt section = dataSection(".maps");
        if (section.isEmpty()
                || !(types.type(section.getAsInt()) instanceof BtfType.DataSection(var _, var _, var places))) {
            throw bad(".maps", "BTF has no such section", "compile with -g");
        }
        Map<String, List<MapSpec.Slot>> slots = new MapSlots(elf, types, symbols).read();
        for (BtfType.Place place : places) {
            if (!(types.type(place.variable()) instanceof BtfType.Variable(var name, var type, var _))
                    || !(types.resolved(type) instanceof BtfType.Composite definition)) {
                throw bad(".maps", "a map definition is not a struct", "use the usual __uint and __type members");
            }
            MapSpec map = definition(types, name, definition, MAX_NESTING);
            maps.put(
                    name,
                    slots.getOrDefault(name, List.of()).isEmpty()
                            ? map
                            : map.but().filled(slots.get(name)).build());
        }
    }

    private MapSpec definition(Btf types, String name, BtfType.Composite definition, int nesting) {
        Optional<MapSpec> inner = Optional.empty();
        Map<String, Long> numbers = new LinkedHashMap<>();
        OptionalInt key = OptionalInt.empty();
        OptionalInt value = OptionalInt.empty();
        for (BtfType.Member member : definition.members()) {
            switch (member.name()) {
                case "type",
                        "max_entries",
                        "map_flags",
                        "key_size",
                        "value_size",
                        "numa_node",
                        "map_extra",
                        "pinning" -> numbers.put(member.name(), number(types, name, member));
                case "key" -> key = OptionalInt.of(pointee(types, name, member));
                case "value" -> value = OptionalInt.of(pointee(types, name, member));
                case "values" -> inner = inner(types, name, member, nesting);
                default -> notes.add("map %s: %s is ignored".formatted(name, member.name()));
            }
        }
        int number = number(numbers, "type");
        MapType type = MapType.byNumber(number)
                .orElseThrow(() -> bad(name, "map type %d is not known".formatted(number), "use another map type"));
        pinning(name, type, number(numbers, "pinning"));
        int keySize = size(name, "key", key.stream().boxed().map(types::size).findFirst(), numbers);
        int valueSize =
                size(name, "value", value.stream().boxed().map(types::size).findFirst(), numbers);
        return MapShape.fitted(new MapSpec.Builder(name, type)
                .sizes(keySize, valueSize, number(numbers, "max_entries"))
                .flags(number(numbers, "map_flags"))
                .types(key, value)
                .inner(inner)
                .extra(numbers.getOrDefault("map_extra", 0L))
                .marked(value.isPresent() ? SpecialField.of(types, value.getAsInt()) : List.of())
                .build());
    }

    /** As libbpf: by name or not at all. */
    private void pinning(String map, MapType type, int pinning) {
        switch (pinning) {
            case 0 -> {
                // made for this run
            }
            case 1 -> {
                if (type.isMemory()) {
                    pinned.add(map);
                } else {
                    notes.add("map %s: it is not pinned, but made for this run: %s".formatted(map, type));
                }
            }
            default -> throw bad(map, "pinning is %d".formatted(pinning), "__uint(pinning, LIBBPF_PIN_BY_NAME)");
        }
    }

    /** The maps that {@link #read} has found and that are to be pinned by their names. */
    Set<String> pinned() {
        return pinned;
    }

    private static int number(Map<String, Long> numbers, String name) {
        return numbers.getOrDefault(name, 0L).intValue();
    }

    /** By the type, by the number, or by both when they agree. */
    private static int size(String map, String part, Optional<Long> typed, Map<String, Long> numbers) {
        Optional<Integer> told =
                Optional.ofNullable(numbers.get(part + "_size")).map(Long::intValue);
        if (typed.isPresent() && told.isPresent() && typed.get() != (long) told.get()) {
            throw bad(
                    map,
                    "its %s has %d bytes, and %s_size says %d".formatted(part, typed.get(), part, told.get()),
                    "leave %s_size out".formatted(part));
        }
        return told.orElse((int) (long) typed.orElse(0L));
    }

    /** What the values of a map of maps are like; arrays of programs have none. */
    private Optional<MapSpec> inner(Btf types, String map, BtfType.Member member, int nesting) {
        if (nesting > 0
                && types.resolved(member.type()) instanceof BtfType.Array array
                && types.resolved(array.element()) instanceof BtfType.Pointer(var target)
                && types.resolved(target) instanceof BtfType.Composite composite) {
            return Optional.of(definition(types, map + ".inner", composite, nesting - 1));
        }
        return Optional.empty();
    }

    private long number(Btf types, String map, BtfType.Member member) {
        if (types.resolved(member.type()) instanceof BtfType.Pointer(var target)
                && types.resolved(target) instanceof BtfType.Array(var _, var _, var count)) {
            return count;
        }
        if (types.resolved(member.type()) instanceof BtfType.Enumeration(var _, var _, var _, var values)
                && values.size() == 1) {
            return values.getFirst().value();
        }
        throw bad(map, member.name() + " is not a number", "write __uint(" + member.name() + ", …)");
    }

    private int pointee(Btf types, String map, BtfType.Member member) {
        if (types.resolved(member.type()) instanceof BtfType.Pointer(var target)) {
            return target;
        }
        throw bad(map, member.name() + " is not a type", "write __type(" + member.name() + ", …)");
    }

    private static RefusedException bad(String where, String why, String suggestion) {
        return new RefusedException(LoadResult.Reason.BAD_MAP, where, why, suggestion);
    }
}
