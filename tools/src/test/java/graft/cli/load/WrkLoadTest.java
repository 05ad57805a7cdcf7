package graft.cli.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class WrkLoadTest {
    @Test
    void reportsWithoutTroubleAreClean() {
        LoadResult result = WrkLoad.parse("""
                Running 1s test @ https://127.0.0.1:1/1k
                  1 threads and 4 connections
                  Thread Stats   Avg      Stdev     Max   +/- Stdev
                    Latency   102.00us   80.00us   2.00ms   95.00%
                    Req/Sec    25.50k     1.50k   26.00k    80.00%
                  25519 requests in 1.00s, 30.00MB read
                Requests/sec:  25519.41
                Transfer/sec:     30.00MB
                """);
        assertThat(result).isEqualTo(new LoadResult(25519, 25519.41, 0, 0));
        assertThat(result.isClean()).isTrue();
    }

    @Test
    void failuresAreCountedByKind() {
        LoadResult result = WrkLoad.parse("""
                  120 requests in 1.00s, 30.00KB read
                  Socket errors: connect 1, read 20, write 300, timeout 4000
                  Non-2xx or 3xx responses: 7
                Requests/sec:    120.00
                """);
        assertThat(result).isEqualTo(new LoadResult(120, 120.0, 7, 4321));
        assertThat(result.isClean()).isFalse();
    }

    @Test
    void reportWithoutFiguresIsAProblem() {
        assertThatThrownBy(() -> WrkLoad.parse("unable to connect to 127.0.0.1:1 Connection refused"))
                .hasMessageContaining("wrk gave no result");
    }
}
