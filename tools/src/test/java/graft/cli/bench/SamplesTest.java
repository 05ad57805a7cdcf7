package graft.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void ordersBeforeItSummarises() {
        Samples samples = Samples.of(5, 1, 3);

        assertThat(samples.min()).isEqualTo(1);
        assertThat(samples.median()).isEqualTo(3);
    }

    @Test
    void interpolatesBetweenNeighbours() {
        assertThat(Samples.of(1, 2).median()).isEqualTo(1.5);
        assertThat(Samples.of(0, 10).quantile(0.99)).isEqualTo(9.9);
    }

    @Test
    void knowsWhereTheMedianLies() {
        double[] values =
                java.util.stream.IntStream.rangeClosed(1, 100).asDoubleStream().toArray();
        assertThat(Samples.of(values).medianRange()).isEqualTo(new Samples.Range(41, 60));
        assertThat(Samples.of(7).medianRange()).isEqualTo(new Samples.Range(7, 7));
    }

    @Test
    void refusesAnEmptyRow() {
        assertThatThrownBy(Samples::of).hasMessage("a row needs at least one measurement");
    }
}
