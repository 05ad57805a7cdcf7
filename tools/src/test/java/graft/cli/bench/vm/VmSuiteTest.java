package graft.cli.bench.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Loads programs into the kernel, which needs root. */
@Tag("slow")
class VmSuiteTest {
    @Test
    void everyWorkloadLeavesTheSameMemoryAsNativeCodeAndInTheKernel() {
        VmResult result = new VmSuite(new VmSuite.Effort(1, 1_000, 1)).run(Workload.NAMES);
        assertThat(result.rows()).extracting(VmResult.Row::name).containsExactlyElementsOf(Workload.NAMES);
    }

    @Test
    void everyWorkloadIsProvenSafeByGraftItself() {
        assertThat(Workload.NAMES)
                .extracting(name -> Workload.load(name).proof())
                .containsOnly(Workload.Proof.OWN);
    }

    @Test
    void aResultHasARowForEachWayOfRunningAProgram() {
        VmResult result = new VmSuite(new VmSuite.Effort(1, 1_000, 1)).run(List.of("crc"));
        assertThat(result.benchRows())
                .filteredOn(row -> row.row().equals("crc"))
                .hasSize(3);
        assertThat(result.table()).anyMatch(line -> line.startsWith("geometric mean"));
    }
}
