package graft.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantityTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0|0 ns",
                "1.25|1.3 ns",
                "41|41 ns",
                "999|999 ns",
                "1204|1.20 µs",
                "12040000|12.0 ms",
                "3e9|3.00 s",
                "-1.3|-1.3 ns"
            })
    void nanosecondsAreScaled(double time, String expected) {
        assertThat(Quantity.nanoseconds(time)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"17|17 B", "1024|1.00 KiB", "102400|100 KiB", "8388608|8.00 MiB", "3221225472|3.00 GiB"})
    void bytesAreScaled(long bytes, String expected) {
        assertThat(Quantity.bytes(bytes)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"25519.41|req/s|25,519 req/s", "250|us|250 µs", "3.2|%|3.20 %", "2048|B|2.00 KiB"})
    void otherUnitsAreKept(double value, String unit, String expected) {
        assertThat(Quantity.of(value, unit)).isEqualTo(expected);
    }
}
