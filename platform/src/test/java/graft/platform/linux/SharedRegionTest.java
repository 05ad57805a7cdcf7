package graft.platform.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class SharedRegionTest {
    @Test
    void twoMappingsOfOneMemfdShareTheirBytes() {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 8192, Mman.MFD_NOEXEC_SEAL);
                SharedRegion writer = SharedRegion.map(fd, 8192, SharedRegion.Access.READ_WRITE);
                SharedRegion reader = SharedRegion.map(fd, 4096, 4096, SharedRegion.Access.READ_ONLY)) {
            writer.segment().set(ValueLayout.JAVA_LONG, 4104, 0x1122334455667788L);
            assertThat(reader.segment().get(ValueLayout.JAVA_LONG, 8)).isEqualTo(0x1122334455667788L);
            assertThatThrownBy(() -> reader.segment().set(ValueLayout.JAVA_LONG, 8, 1L))
                    .isInstanceOf(RuntimeException.class);
        }
    }

    @Test
    void sealedMemfdRefusesToShrink() {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 4096, Mman.MFD_EXEC)) {
            assertThat(Mman.seals(fd) & (Mman.F_SEAL_SHRINK | Mman.F_SEAL_GROW))
                    .isEqualTo(Mman.F_SEAL_SHRINK | Mman.F_SEAL_GROW);
            assertThatThrownBy(() -> Mman.ftruncate(fd, 0))
                    .isInstanceOf(SysException.class)
                    .hasMessageContaining("sizing memfd graft-test")
                    .hasMessageContaining("EPERM");
        }
    }

    @Test
    void closedRegionRefusesAccessAndSecondCloseDoesNothing() {
        try (NativeFd fd = Mman.sealedMemfd("graft-test", 4096, 0)) {
            SharedRegion region = SharedRegion.map(fd, 4096, SharedRegion.Access.READ_WRITE);
            region.close();
            region.close();
            assertThatThrownBy(() -> region.segment().get(ValueLayout.JAVA_INT, 0))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void largeRegionsLieWhereHugePagesCanBeUsed() {
        long size = 2 * HugePages.SIZE + 3L * Sysconf.pageSize();
        try (NativeFd fd = Mman.sealedMemfd("graft-test", size, Mman.MFD_NOEXEC_SEAL);
                SharedRegion region = SharedRegion.map(fd, size, SharedRegion.Access.READ_WRITE)) {
            assertThat(region.segment().address() % HugePages.SIZE).isZero();
            region.segment().set(ValueLayout.JAVA_LONG, size - 8, 42L);
            region.segment().set(ValueLayout.JAVA_LONG, HugePages.SIZE + 4096, 43L);

            region.populate();

            assertThat(region.segment().get(ValueLayout.JAVA_LONG, size - 8)).isEqualTo(42L);
            assertThat(region.segment().get(ValueLayout.JAVA_LONG, HugePages.SIZE + 4096))
                    .isEqualTo(43L);
            assertThat(region.segment().get(ValueLayout.JAVA_LONG, 4096)).isZero();
        }
    }

    @Test
    void cpuListsEndInTheirHighestNumber() {
        assertThat(Sysconf.highestPlusOne("0\n")).isEqualTo(1);
        assertThat(Sysconf.highestPlusOne("0-63\n")).isEqualTo(64);
        assertThat(Sysconf.highestPlusOne("0-3,8\n")).isEqualTo(9);
        assertThat(Sysconf.wholePages(1)).isEqualTo(Sysconf.pageSize());
        assertThat(Sysconf.wholePages(0)).isZero();
    }
}
