package graft.ebpf.jit;

import graft.ebpf.helper.Helper;
import graft.ebpf.insn.Wide;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.MapType;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Code that is not yet at home anywhere: what it refers to has names in place of addresses.
 *
 * @param references the 4-byte distances that a linker has to fill in, in the order of the code
 */
public record Linkage(CompiledProgram program, List<Reference> references) {
    /** Symbols of maps as helpers take them begin with this. */
    public static final String MAP = "graft_map_";

    /** Symbols of the values of array maps, global data among them, begin with this. */
    public static final String DATA = "graft_data_";

    private static final long ELSEWHERE = 1;

    /**
     * A distance from the end of its own 4 bytes to {@code symbol + addend}.
     *
     * @param offset of the 4 bytes in the code
     */
    public record Reference(int offset, String symbol, long addend) {}

    /** The symbol of the values of map {@code name}. */
    public static String dataSymbol(String name) {
        return DATA + identifier(name);
    }

    /** The symbol of what {@code wide} points to, for the two kinds that are in maps. */
    public static String symbol(Wide wide) {
        return switch (wide) {
            case Wide.MapPointer(String map) -> MAP + identifier(map);
            case Wide.MapValue(String map, long _) -> dataSymbol(map);
            case Wide.Constant _, Wide.Function _, Wide.KernelSymbol _ ->
                throw new IllegalArgumentException("no symbol for " + wide);
        };
    }

    private static String identifier(String name) {
        return name.replaceAll("[^A-Za-z0-9_]", "_");
    }

    /** A target that is not known yet: every helper is there, and every map has the shape that its blueprint says. */
    public static TargetBinding binding(Map<String, MapSpec> maps) {
        Map<String, TargetBinding.MapBinding> bindings = new HashMap<>();
        maps.forEach((name, map) -> {
            int stride = (map.valueSize() + 7) & -8;
            long data = map.type() == MapType.ARRAY ? ELSEWHERE : 0;
            bindings.put(name, new TargetBinding.MapBinding(map.type(), ELSEWHERE, data, map.maxEntries(), stride));
        });
        Map<Helper, Long> helpers = new EnumMap<>(Helper.class);
        for (Helper helper : Helper.values()) {
            helpers.put(helper, ELSEWHERE);
        }
        return new TargetBinding(bindings, helpers, OptionalInt.empty(), OptionalInt.empty(), OptionalInt.empty());
    }
}
