package graft.platform.elf;

import graft.platform.address.ElfVirtualAddress;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Where functions begin and end by what the unwinder is told of them in {@code .eh_frame}: known without any symbol.
 * Immutable.
 */
public final class FunctionBounds {
    private final TreeMap<Long, Long> ends;

    private FunctionBounds(TreeMap<Long, Long> ends) {
        this.ends = ends;
    }

    /** One function's bytes. */
    public record Bounds(ElfVirtualAddress start, long size) {}

    static FunctionBounds of(List<ExceptionFrames.Function> functions) {
        TreeMap<Long, Long> ends = new TreeMap<>(Long::compareUnsigned);
        functions.forEach(function -> ends.put(function.start(), function.start() + function.size()));
        return new FunctionBounds(ends);
    }

    /** Every function that the file tells of, ascending. */
    public List<Bounds> all() {
        return ends.entrySet().stream()
                .map(function ->
                        new Bounds(new ElfVirtualAddress(function.getKey()), function.getValue() - function.getKey()))
                .toList();
    }

    /** The function that holds {@code address}, if the file tells. */
    public Optional<Bounds> containing(ElfVirtualAddress address) {
        return Optional.ofNullable(ends.floorEntry(address.value()))
                .filter(function -> Long.compareUnsigned(address.value(), function.getValue()) < 0)
                .map(function ->
                        new Bounds(new ElfVirtualAddress(function.getKey()), function.getValue() - function.getKey()));
    }
}
