package graft.cli.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.object.MapType;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The kernel is the oracle: the same random operations give the same results and errnos. Needs root. */
@Tag("slow")
class MapFuzzTest {
    private static final int MAPS = 50;

    static Stream<MapType> types() {
        return MapCase.TYPES.stream();
    }

    @ParameterizedTest
    @MethodSource("types")
    void answersAsTheKernel(MapType type) {
        List<String> differences = LongStream.range(0, MAPS)
                .mapToObj(seed -> MapComparison.run(MapCase.of(type, seed), MapFuzzCommand.OPERATIONS_OF_MAP))
                .flatMap(Optional::stream)
                .toList();
        assertThat(differences).isEmpty();
    }
}
