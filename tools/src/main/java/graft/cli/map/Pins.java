package graft.cli.map;

import graft.cli.error.Problem;
import graft.daemon.PinFolder;
import graft.daemon.control.MapRequest;
import graft.ebpf.btf.Btf;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.MapAccess;
import graft.ebpf.maps.MapCreation;
import graft.ebpf.maps.PinDefinition;
import graft.ebpf.maps.PinnedMap;
import graft.platform.linux.Errno;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The maps that are pinned, whether a session uses them or not. */
final class Pins {
    /** In front of a name that means a pin. */
    static final String PREFIX = "pin:";

    private Pins() {}

    /** One of them. */
    record Pin(Path file, PinDefinition definition) {}

    static List<Pin> all() {
        List<Pin> pins = new ArrayList<>();
        try {
            for (Path file : PinFolder.files()) {
                find(file).ifPresent(pins::add);
            }
            return pins;
        } catch (IOException e) {
            throw new UncheckedIOException("looking for pinned maps", e);
        }
    }

    private static Optional<Pin> find(Path file) throws IOException {
        try {
            return PinDefinition.read(file).map(definition -> new Pin(file, definition));
        } catch (NoSuchFileException removed) {
            return Optional.empty();
        }
    }

    /** The one with a name. */
    static Optional<ChosenMap> named(String name) {
        return all().stream()
                .filter(pin -> pin.file().getFileName().toString().equals(name))
                .findFirst()
                .map(Pins::chosen);
    }

    /** Each call has the map to itself: when a session uses it, that one is to be asked. */
    private static ChosenMap chosen(Pin pin) {
        byte[] btf = pin.definition().btf();
        return new ChosenMap(
                PREFIX + pin.definition().spec().name(),
                pin.definition().spec(),
                btf.length == 0 ? Optional.empty() : Optional.of(Btf.parse(btf)),
                List.of(),
                new ChosenMap.Calls() {
                    @Override
                    public MapAccess.Answer call(MapRequest request) {
                        return opened(pin, request::perform);
                    }

                    @Override
                    public int entries(MapAccess.EntryConsumer consumer) {
                        return opened(pin, access -> listed(access, consumer));
                    }
                });
    }

    private static int listed(MapAccess access, MapAccess.EntryConsumer consumer) {
        try {
            return access.entries(consumer);
        } catch (DamagedMapException _) {
            return Errno.EUCLEAN;
        }
    }

    private static <T> T opened(Pin pin, Function<MapAccess, T> action) {
        PinDefinition definition = pin.definition();
        return switch (PinnedMap.open(pin.file(), definition.spec(), definition.btf())) {
            case MapCreation.Refused(var spec, var why, var suggestion) ->
                throw Problem.of("M001", "map " + PREFIX + spec.name() + " cannot be opened")
                        .because(why)
                        .remedy(suggestion)
                        .failure();
            case MapCreation.Created(BpfMap map) -> {
                try (map) {
                    yield action.apply(new MapAccess(map));
                }
            }
        };
    }
}
