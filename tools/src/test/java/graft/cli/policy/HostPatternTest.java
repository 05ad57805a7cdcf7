package graft.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class HostPatternTest {
    private static final long IPV4 = 2;
    private static final long IPV6 = 10;

    private static boolean matches(String pattern, long family, long host, long end) {
        return HostPattern.read(pattern).orElseThrow().stream()
                .allMatch(one -> one.holds(
                        switch (one.source()) {
                            case Condition.FAMILY -> family;
                            case Condition.HOST -> host;
                            case Condition.HOST_END -> end;
                            default -> throw new AssertionError(one);
                        }));
    }

    @Test
    void addressesOfIpv4() {
        assertThat(matches("127.0.0.1", IPV4, 0x7f00_0001L, 0)).isTrue();
        assertThat(matches("127.0.0.1", IPV4, 0x7f00_0002L, 0)).isFalse();
        assertThat(matches("10.0.0.0/8", IPV4, 0x0aff_0102L, 0)).isTrue();
        assertThat(matches("10.0.0.0/8", IPV4, 0x0b00_0000L, 0)).isFalse();
        assertThat(matches("0.0.0.0/0", IPV4, 0xffff_ffffL, 0)).isTrue();
        assertThat(matches("0.0.0.0/0", IPV6, 0, 1)).isFalse();
    }

    @Test
    void addressesOfIpv6() {
        assertThat(matches("::1", IPV6, 0, 1)).isTrue();
        assertThat(matches("::1", IPV6, 0, 2)).isFalse();
        assertThat(matches("fe80::/10", IPV6, 0xfe80_0000_0000_0000L, 7)).isTrue();
        assertThat(matches("fe80::/10", IPV6, 0xff80_0000_0000_0000L, 7)).isFalse();
        assertThat(matches("2001:db8::1:0:2/112", IPV6, 0x2001_0db8_0000_0000L, 0x0001_0000_ffffL))
                .isTrue();
        assertThat(matches("::/0", IPV6, -1, -1)).isTrue();
    }

    @Test
    void otherTextsAreNoAddresses() {
        assertThat(List.of(
                        "",
                        "localhost",
                        "1.2.3",
                        "1.2.3.256",
                        "1.2.3.4/33",
                        "1.2.3.4/x",
                        ":",
                        "::1::",
                        "1:2:3:4:5:6:7:8:9",
                        "::1/129",
                        "g::"))
                .allSatisfy(text -> assertThat(HostPattern.read(text)).isEmpty());
    }
}
