package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.proc.ProcessMaps;
import org.junit.jupiter.api.Test;

class ProcMapsTest {
    private static final String HIGH = """
            5581c0e00000-5581c0e21000 r-xp 00000000 fe:01 1201 /usr/bin/program
            5581c1f00000-5581c1f21000 rw-p 00000000 00:00 0 [heap]
            7f32d4000000-7f32d4200000 r-xp 00000000 fe:01 1202 /usr/lib/libc.so.6
            7ffd60000000-7ffd60021000 rw-p 00000000 00:00 0 [stack]
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
            """;

    /** Where new mappings start is random; one process in 256 has them lower. */
    private static final String LOW = HIGH.replace("7f32d4", "7efe00");

    @Test
    void theFreePageIsFarFromWhereThreadsAndHeapsGrow() {
        for (String text : new String[] {HIGH, LOW}) {
            ProcMaps maps = new ProcMaps(ProcessMaps.parse(1, text));

            RemoteAddress page = maps.freePage();

            assertThat(maps.overlapping(page, 4096)).isEmpty();
            assertThat(page.value() % 4096).isZero();
            assertThat(maps.mappings()).allSatisfy(mapping -> {
                assertThat(Math.abs(page.value() - mapping.start().value())).isGreaterThan(1L << 40);
            });
        }
    }

    @Test
    void aProcessAtLowAddressesHasAFreePageToo() {
        ProcMaps maps = new ProcMaps(ProcessMaps.parse(1, """
                400000-401000 r-xp 00000000 fe:01 1201 /usr/bin/program
                7ffd60000000-7ffd60021000 rw-p 00000000 00:00 0 [stack]
                """));

        assertThat(maps.freePage().value()).isBetween(1L << 40, 0x7ffd60000000L - (1L << 40));
    }
}
