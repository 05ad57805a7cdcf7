package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.elf.ElfFile;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Looks through the C library of this machine. */
class SyscallSitesTest {
    private static final int OPENAT = SyscallTable.x8664().number("openat").orElseThrow();
    private final List<SyscallSite> sites = sites();

    private static List<SyscallSite> sites() {
        try (ElfFile libc = ElfFile.open(Path.of("/lib/x86_64-linux-gnu/libc.so.6"))) {
            return SyscallSites.of(libc, 0);
        }
    }

    @Test
    void findsEverySiteOfACallInTheLibrary() {
        assertThat(sites)
                .filteredOn(site -> site.number().equals(java.util.OptionalInt.of(OPENAT)))
                .extracting(SyscallSite::function)
                .anyMatch(name -> name.contains("open"))
                .hasSizeGreaterThan(3);
    }

    @Test
    void knowsTheNumberOfMostSites() {
        long known = sites.stream().filter(site -> site.number().isPresent()).count();

        assertThat(known).isGreaterThan(sites.size() * 8L / 10);
    }

    @Test
    void ordersTheInstructionsAroundACall() {
        assertThat(sites).allSatisfy(site -> {
            assertThat(site.before()).isLessThan(site.address());
            assertThat(site.after().minus(site.address())).isEqualTo(2);
        });
    }

    @Test
    void tableNamesWhatItNumbers() {
        assertThat(SyscallTable.x8664().name(OPENAT)).contains("openat");
    }
}
