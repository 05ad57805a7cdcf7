package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The functions that a file defines, by name and by address, from both symbol tables. Indirect functions are in it:
 * look at {@link ElfSymbol#type()}, since their address is that of a resolver. Immutable.
 */
public final class FunctionIndex {
    private final Map<String, List<ElfSymbol>> byName = new HashMap<>();
    private final List<ElfSymbol> byAddress;

    private FunctionIndex(List<ElfSymbol> symbols) {
        Set<Place> seen = new LinkedHashSet<>();
        List<ElfSymbol> functions = new ArrayList<>();
        for (ElfSymbol symbol : symbols) {
            if (symbol.isDefinedFunction() && seen.add(new Place(symbol.name(), symbol.value(), symbol.version()))) {
                functions.add(symbol);
                byName.computeIfAbsent(symbol.name(), _ -> new ArrayList<>()).add(symbol);
            }
        }
        byName.values().forEach(list -> list.sort(Comparator.comparing(symbol -> !symbol.isDefault())));
        functions.sort(Comparator.comparing((ElfSymbol symbol) -> symbol.value().value(), Long::compareUnsigned)
                .thenComparing(FunctionIndex::preference));
        this.byAddress = List.copyOf(functions);
    }

    private record Place(String name, ElfVirtualAddress address, Optional<String> version) {}

    /** From the union of symbol tables, in the order of preference. */
    static FunctionIndex of(List<ElfSymbol> symbols) {
        return new FunctionIndex(symbols);
    }

    /** Of several names for one address, the public one is the one to show. */
    private static int preference(ElfSymbol symbol) {
        return switch (symbol.binding()) {
            case GLOBAL, UNIQUE -> 0;
            case WEAK -> 1;
            case LOCAL, OTHER -> 2;
        };
    }

    /**
     * All functions with a name, default versions first; local functions of several files may share one. The name may
     * carry a version: {@code SSL_write@@OPENSSL_3.0.0} or {@code SSL_write@OPENSSL_3.0.0}.
     */
    public List<ElfSymbol> named(String name) {
        int mark = name.indexOf('@');
        if (mark <= 0) {
            return List.copyOf(byName.getOrDefault(name, List.of()));
        }
        String version = name.substring(name.startsWith("@@", mark) ? mark + 2 : mark + 1);
        return byName.getOrDefault(name.substring(0, mark), List.of()).stream()
                .filter(symbol -> symbol.version().filter(version::equals).isPresent())
                .toList();
    }

    /** The function whose bytes contain an address; one without a size only at its first byte. */
    public Optional<ElfSymbol> containing(ElfVirtualAddress address) {
        int low = 0;
        int high = byAddress.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(byAddress.get(middle).value().value(), address.value()) <= 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return nearestBefore(low, address);
    }

    private Optional<ElfSymbol> nearestBefore(int end, ElfVirtualAddress address) {
        Optional<ElfSymbol> found = Optional.empty();
        for (int i = end - 1; i >= 0; i--) {
            ElfSymbol symbol = byAddress.get(i);
            boolean sameAsFound =
                    found.filter(other -> !other.value().equals(symbol.value())).isEmpty();
            if (!sameAsFound || end - i > NEIGHBOURS) {
                break;
            }
            long distance = address.value() - symbol.value().value();
            if (distance == 0 || Long.compareUnsigned(distance, symbol.size()) < 0) {
                found = Optional.of(symbol);
            }
        }
        return found;
    }

    /** How many symbols before an address are looked at: functions may be nested, but not deeply. */
    private static final int NEIGHBOURS = 64;

    /** All functions in the order of their addresses. */
    public List<ElfSymbol> all() {
        return byAddress;
    }
}
