package graft.cli.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Generated programs end the same in the interpreter, as machine code and in the kernel. Needs root. */
class VmFuzzTest {
    private static final int MANY = 20_000;

    @Test
    void threeEnginesAgree() {
        assertThat(search(1, 200).differences()).isZero();
    }

    @Test
    @Tag("slow")
    void threeEnginesAgreeOnManyMore() {
        VmFuzz fuzz = search(10_000_000, MANY);
        assertThat(fuzz.differences()).as("%s", fuzz.findings()).isZero();
        assertThat(fuzz.coverage().missing()).isEmpty();
        assertThat(fuzz.notTaken())
                .as("refused by the kernel: %s", fuzz.findings())
                .isLessThan(MANY / 100);
    }

    @Test
    void theProgramOfASeedIsAlwaysTheSame() {
        assertThat(FuzzCase.of(77).insns()).isEqualTo(FuzzCase.of(77).insns());
    }

    private static VmFuzz search(long seed, int programs) {
        VmFuzz fuzz = new VmFuzz(seed);
        fuzz.run(programs, 1, new VmFuzz.Listener() {
            @Override
            public void found(String text) {}

            @Override
            public VmFuzz.Wish done(VmFuzz sofar) {
                return VmFuzz.Wish.GO_ON;
            }
        });
        return fuzz;
    }
}
