package graft.daemon.image;

import graft.daemon.NativeFunction;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfSymbol;
import graft.platform.elf.SymbolTable;
import graft.rewriter.Code;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Fills in the addresses of a native function's image for one place in one process. Behind the image are the pointers that it
 * reads addresses from, and jumps to functions that are further away than a call reaches.
 */
final class FunctionLinker {
    private static final int JUMP_BYTES = 16;

    /** {@code jmp *(%rip)}, the address behind it. */
    private static final byte[] JUMP = {(byte) 0xff, 0x25, 0, 0, 0, 0};

    private final TargetModules modules;
    private final TargetModule near;
    private final SymbolResolver resolver;

    /** @param near the module whose names come first */
    FunctionLinker(TargetModules modules, TargetModule near) {
        this.modules = modules;
        this.near = near;
        this.resolver = new SymbolResolver(modules);
    }

    /** The outcome. */
    sealed interface Linking {
        /** All that goes to the place. */
        record Linked(Code code) implements Linking {}

        /** Not possible, and why. */
        record Refused(String why) implements Linking {}
    }

    /** No more bytes than this. */
    static int maxBytes(NativeFunction function) {
        return function.image().length + JUMP_BYTES * (function.references().size() + 1);
    }

    Linking link(NativeFunction function, RemoteAddress place) {
        ByteBuffer out = ByteBuffer.allocate(maxBytes(function)).order(ByteOrder.LITTLE_ENDIAN);
        out.put(function.image());
        Map<RemoteAddress, Integer> pointers = new LinkedHashMap<>();
        for (NativeFunction.Reference reference : function.references()) {
            Optional<RemoteAddress> target = target(reference.target(), place);
            if (target.isEmpty()) {
                return new Linking.Refused("the process has nothing called " + reference.target());
            }
            RemoteAddress at = place.plus(reference.at());
            RemoteAddress wanted = target.get().plus(reference.addend());
            long distance = switch (reference.form()) {
                case ABSOLUTE -> 0;
                case RELATIVE -> wanted.minus(at);
                case CALL ->
                    reaches(wanted.minus(at))
                            ? wanted.minus(at)
                            : place.plus(jump(out, target.get()))
                                    .plus(reference.addend())
                                    .minus(at);
                case THROUGH_POINTER ->
                    place.plus(pointers.computeIfAbsent(target.get(), to -> pointer(out, to)))
                            .plus(reference.addend())
                            .minus(at);
            };
            if (!reaches(distance)) {
                return new Linking.Refused(reference.target() + " is more than 2 GiB away: compile with -fPIC");
            }
            switch (reference.form()) {
                case ABSOLUTE -> out.putLong(reference.at(), wanted.value());
                case RELATIVE, CALL, THROUGH_POINTER -> out.putInt(reference.at(), (int) distance);
            }
        }
        return new Linking.Linked(Code.of(java.util.Arrays.copyOf(out.array(), out.position())));
    }

    private static boolean reaches(long distance) {
        return distance == (int) distance;
    }

    private static int pointer(ByteBuffer out, RemoteAddress to) {
        int at = out.position();
        out.putLong(to.value());
        return at;
    }

    private static int jump(ByteBuffer out, RemoteAddress to) {
        int at = out.position();
        out.put(JUMP);
        out.putLong(to.value());
        return at;
    }

    private Optional<RemoteAddress> target(NativeFunction.Target target, RemoteAddress place) {
        return switch (target) {
            case NativeFunction.Target.Inside(long offset) -> Optional.of(place.plus(offset));
            case NativeFunction.Target.Named(String name) -> named(name);
        };
    }

    /** Functions as the loader has chosen them; then data, of which the program's own copy is the one that is used. */
    private Optional<RemoteAddress> named(String name) {
        Optional<RemoteAddress> found = function(near.path(), name);
        for (String path : modules.paths()) {
            found = found.or(() -> function(path, name));
        }
        found = found.or(() -> modules.executable().flatMap(module -> module.dynamicSymbol(name)))
                .or(() -> variable(name));
        for (String path : modules.paths()) {
            found = found.or(() -> modules.named(path).flatMap(module -> module.dynamicSymbol(name)));
        }
        return found;
    }

    private Optional<RemoteAddress> function(String path, String name) {
        return resolver.resolve(new Probe(Probe.Kind.ENTRY, path, name, 0)) instanceof Resolution.Found(var points)
                        && points.size() == 1
                ? Optional.of(points.getFirst().address())
                : Optional.empty();
    }

    private Optional<RemoteAddress> variable(String name) {
        return near.elf().symbols(SymbolTable.STATIC).stream()
                .filter(symbol -> symbol.type() == ElfSymbol.Type.OBJECT && symbol.isDefined())
                .filter(symbol -> symbol.name().equals(name))
                .map(symbol -> near.remote(symbol.value()))
                .findFirst();
    }
}
