package graft.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import graft.cli.load.LoadResult;
import graft.cli.tls.TlsTally;
import java.util.List;
import org.junit.jupiter.api.Test;

class NginxSeriesTest {
    private static NginxRound round(double perSecond, long lost) {
        return new NginxRound(new LoadResult(1000, perSecond, 0, 0), 8_000_000, 2000, lost);
    }

    private static NginxRound untraced(double perSecond) {
        return new NginxRound(new LoadResult(1000, perSecond, 0, 0), 5_000_000, 0, 0);
    }

    private static List<NginxRow> rows() {
        NginxSeries series = new NginxSeries(untraced(100));
        series.kernel(round(50, 0), untraced(300));
        series.graft(round(270, 5), untraced(300));
        series.failed(2);
        return series.rows("1k");
    }

    @Test
    void losesAgainstTheUntracedRunsBeforeAndAfter() {
        assertThat(rows().get(1).compared().loss().median()).isEqualTo(75);
        assertThat(rows().get(2).compared().loss().median()).isEqualTo(10, org.assertj.core.data.Offset.offset(1e-9));
    }

    @Test
    void addsWhatTheMedianHasMoreThanTheUntracedMedian() {
        assertThat(rows()).extracting(row -> row.bench().added()).containsExactly(0.0, -250.0, -30.0);
    }

    @Test
    void anUntracedWindowIsTheNeighbourOfWhatFollows() {
        NginxSeries series = new NginxSeries(untraced(1000));
        series.kernel(round(1000, 0), untraced(1000));
        series.untraced(untraced(100));
        series.graft(round(90, 0), untraced(100));
        assertThat(series.rows("1k").get(2).compared().loss().median())
                .isEqualTo(10, org.assertj.core.data.Offset.offset(1e-9));
    }

    @Test
    void sumsEventsLossesAndFailures() {
        NginxRow graft = rows().get(2);
        assertThat(graft.events()).isEqualTo(2000);
        assertThat(graft.lost()).isEqualTo(5);
        assertThat(graft.failed()).isEqualTo(2);
        assertThat(graft.cpu().median()).isEqualTo(8000);
    }

    @Test
    void reportsAsTableAndJsonLines() {
        assertThat(String.join("\n", NginxReport.table(rows()))).isEqualTo("""
                body  who     n  req/s   loss           95%  CPU/req   more           95%  events  lost  failed
                1k    native  3    300      -             -  5.00 µs      -             -       -     -       2
                1k    kernel  1     50  75.0%  75.0%..75.0%  8.00 µs  60.0%  60.0%..60.0%   2,000     0       2
                1k    graft   1    270  10.0%  10.0%..10.0%  8.00 µs  60.0%  60.0%..60.0%   2,000     5       2""");
        assertThat(NginxReport.json(rows().get(2)))
                .isEqualTo(
                        "{\"type\":\"bench\",\"suite\":\"nginx\",\"row\":\"1k\",\"who\":\"graft\",\"unit\":\"req/s\","
                                + "\"n\":1,\"min\":270.0,\"median\":270.0,\"added\":-30.0,\"p99\":270.0,\"max\":270.0,\"loss_percent\":10.0,"
                                + "\"loss_low\":10.0,\"loss_high\":10.0,"
                                + "\"cpu_ns\":8000.0,\"cpu_more_percent\":60.0,\"cpu_more_low\":60.0,\"cpu_more_high\":60.0,\"events\":2000,\"lost\":5,\"failed\":2}");
    }

    @Test
    void roundsAreCompleteWhenRequestsAndBytesAreAccountedFor() {
        CapturedRound captured = new CapturedRound(round(1, 0), new TlsTally.Totals(1000, 45_000, 1000, 1_260_000, 0));
        assertThat(captured.isComplete(16, 1260)).isTrue();
        assertThat(captured.isComplete(16, 1300)).isFalse();
        assertThat(captured.isComplete(16, 1200)).isFalse();
    }
}
