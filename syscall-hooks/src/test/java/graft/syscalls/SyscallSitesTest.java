package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.elf.ElfFile;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Looks through the C library of this machine. */
class SyscallSitesTest {
    private static final int OPENAT = SyscallTable.x8664().number("openat").orElseThrow();
    private final SyscallSites found = sites();
    private final List<SyscallSite> sites = found.sites();

    private static SyscallSites sites() {
        try (ElfFile libc = ElfFile.open(Path.of("/lib/x86_64-linux-gnu/libc.so.6"))) {
            return SyscallSites.of(libc, 0);
        }
    }

    @Test
    void findsEverySiteOfACallInTheLibrary() {
        assertThat(sites)
                .filteredOn(site -> site.number().equals(OptionalInt.of(OPENAT)))
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
    void findsEachOnceAndInOrder() {
        assertThat(sites).isSortedAccordingTo((a, b) -> a.address().compareTo(b.address()));
        assertThat(new HashSet<>(sites)).hasSameSizeAs(sites);
        assertThat(found.unclear()).isEmpty();
    }

    /** What the unwinder is told of it begins a byte before it. */
    @Test
    void knowsTheReturnFromASignalsHandler() {
        assertThat(sites)
                .filteredOn(SyscallSite::isSignalReturn)
                .singleElement()
                .satisfies(site -> {
                    assertThat(site.mayCall(OptionalInt.empty())).isFalse();
                    assertThat(site.mayCall(site.number())).isFalse();
                });
    }

    @Test
    void callsOfAnyNumberMayBeEveryCall() {
        SyscallSite any = sites.stream()
                .filter(site -> site.function().equals("syscall"))
                .findFirst()
                .orElseThrow();

        assertThat(any.number()).isEmpty();
        assertThat(any.mayCall(OptionalInt.of(OPENAT))).isTrue();
        assertThat(any.mayCall(OptionalInt.empty())).isTrue();
    }

    @Test
    void tableNamesWhatItNumbers() {
        assertThat(SyscallTable.x8664().name(OPENAT)).contains("openat");
    }
}
