package graft.cli.bench.maps;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.bpf.PackagedProgram;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MapsSuiteTest {
    @Test
    void everyRowHasAProgram() {
        assertThat(PackagedProgram.MAPS.spec().programs())
                .containsOnlyKeys(
                        Stream.of(MapRow.values()).map(MapRow::program).toArray(String[]::new));
    }
}
