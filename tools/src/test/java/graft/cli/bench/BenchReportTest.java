package graft.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchReportTest {
    private static final List<BenchRow> ROWS = List.of(
            new BenchRow("uprobe", "plain", BenchRow.Who.NATIVE, "ns", Samples.of(1.0, 1.2, 1.1), 0),
            new BenchRow("uprobe", "entry-empty", BenchRow.Who.GRAFT, "ns", Samples.of(2.4, 2.5, 2.61234), 1.4),
            new BenchRow("uprobe", "entry-empty", BenchRow.Who.KERNEL, "ns", Samples.of(1201.1), 1200));

    @Test
    void tableShowsUnitsAndRatios() {
        assertThat(String.join("\n", BenchReport.table(ROWS))).isEqualTo("""
                row          who     n      min   median    added    ratio
                plain        native  3     1 ns   1.1 ns     0 ns     1.00
                entry-empty  graft   3   2.4 ns   2.5 ns   1.4 ns     2.27
                entry-empty  kernel  1  1.20 µs  1.20 µs  1.20 µs  1091.91""");
    }

    @Test
    void jsonLinesHaveTheAgreedMembersInOrder() {
        assertThat(BenchReport.json(ROWS.get(1)))
                .isEqualTo(
                        "{\"type\":\"bench\",\"suite\":\"uprobe\",\"row\":\"entry-empty\",\"who\":\"graft\","
                                + "\"unit\":\"ns\",\"n\":3,\"min\":2.4,\"median\":2.5,\"added\":1.4,\"p99\":2.61,\"max\":2.612}");
    }

    @Test
    void tailsShowWhatAFewOfManySaw() {
        BenchRow stop = new BenchRow("attach", "stop", BenchRow.Who.GRAFT, "us", Samples.of(90, 100, 300), 100);
        assertThat(String.join("\n", BenchReport.tails(List.of(stop)))).isEqualTo("""
                row   who    n      min     p50     p99     max
                stop  graft  3  90.0 µs  100 µs  296 µs  300 µs""");
    }
}
