package graft.syscalls;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NamedConstantsTest {
    private static final NamedConstants CONSTANTS = NamedConstants.x8664();

    @Test
    void flagsAreNamedByValueAndTheRestIsANumber() {
        assertThat(CONSTANTS.set("open").flags(02 | 0100 | 02000000 | 0x40000000))
                .isEqualTo("O_RDWR|O_CREAT|O_CLOEXEC|0x40000000");
        assertThat(CONSTANTS.set("open").flags(0)).isEqualTo("O_RDONLY");
        assertThat(CONSTANTS.set("open").flags(02000000)).isEqualTo("O_RDONLY|O_CLOEXEC");
        assertThat(CONSTANTS.set("prot").flags(0)).isEqualTo("PROT_NONE");
        assertThat(CONSTANTS.set("msg").flags(0)).isEqualTo("0");
    }

    @Test
    void aNameOfSeveralBitsHidesThoseOfItsParts() {
        assertThat(CONSTANTS.set("open").flags(04010000)).isEqualTo("O_RDONLY|O_SYNC");
        assertThat(CONSTANTS.set("open").flags(020200000 | 2)).isEqualTo("O_RDWR|O_TMPFILE");
    }

    @Test
    void aNumberAmongFlagsIsNamedToo() {
        assertThat(CONSTANTS.set("map").flags(0x22)).isEqualTo("MAP_PRIVATE|MAP_ANONYMOUS");
        assertThat(CONSTANTS.set("futex").flags(0x80 | 1)).isEqualTo("FUTEX_WAKE|FUTEX_PRIVATE_FLAG");
    }

    @Test
    void errorsHaveTexts() {
        assertThat(CONSTANTS.set("errno").find(2)).hasValueSatisfying(error -> {
            assertThat(error.name()).isEqualTo("ENOENT");
            assertThat(error.text()).isEqualTo("No such file or directory");
        });
    }
}
