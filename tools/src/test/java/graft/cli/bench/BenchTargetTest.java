package graft.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchTargetTest {
    @Test
    void measuresInterleavedBatchesAndCountsCalls() {
        try (BenchTargetFile file = BenchTargetFile.extract();
                BenchTarget target = BenchTarget.start(file.path())) {
            Map<String, Samples> measured = target.measure(3, 1000, List.of("row_plain", "row_floor"));
            assertThat(measured.keySet()).containsExactlyInAnyOrder("row_plain", "row_floor");
            assertThat(measured.get("row_plain").count()).isEqualTo(3);
            // One round more than asked: the first warms up and is not reported.
            assertThat(target.calls("row_plain")).isEqualTo(4000);
        }
    }
}
