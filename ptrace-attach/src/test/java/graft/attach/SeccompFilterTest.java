package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class SeccompFilterTest {
    private static final int READ = 0;
    private static final int FUTEX = 202;
    private static final int KILL = 0x80000000;
    private static final int ERRNO = 0x00050001;
    private static final int ALLOW = 0x7fff0000;
    private static final int LOG = 0x7ffc0000;

    private static long insn(int code, int ifTrue, int ifFalse, int k) {
        return code | (long) ifTrue << 16 | (long) ifFalse << 24 | (long) k << 32;
    }

    private static SeccompFilter filter(long... insns) {
        ByteBuffer bytes = ByteBuffer.allocate(insns.length * 8).order(ByteOrder.LITTLE_ENDIAN);
        for (long insn : insns) {
            bytes.putLong(insn);
        }
        return new SeccompFilter(MemorySegment.ofArray(bytes.array()));
    }

    private static SeccompFilter onlyRead(int otherwise) {
        return filter(
                insn(0x20, 0, 0, 0), insn(0x15, 1, 0, READ), insn(0x06, 0, 0, otherwise), insn(0x06, 0, 0, ALLOW));
    }

    @Test
    void followsTheNumber() {
        assertThat(onlyRead(KILL).allows(READ)).isTrue();
        assertThat(onlyRead(KILL).allows(FUTEX)).isFalse();
        assertThat(onlyRead(ERRNO).allows(FUTEX)).isFalse();
        assertThat(onlyRead(LOG).allows(FUTEX)).isTrue();
    }

    @Test
    void followsBothWaysWhereAnArgumentDecides() {
        long loadArgument = insn(0x20, 0, 0, 16);
        long jumpIfOne = insn(0x15, 0, 1, 1);
        assertThat(filter(loadArgument, jumpIfOne, insn(0x06, 0, 0, ALLOW), insn(0x06, 0, 0, KILL))
                        .allows(FUTEX))
                .isFalse();
        assertThat(filter(loadArgument, jumpIfOne, insn(0x06, 0, 0, ALLOW), insn(0x06, 0, 0, LOG))
                        .allows(FUTEX))
                .isTrue();
    }

    @Test
    void knowsTheMachineAndComparesUnsigned() {
        SeccompFilter filter = filter(
                insn(0x20, 0, 0, 4),
                insn(0x15, 0, 3, 0xc000003e),
                insn(0x20, 0, 0, 0),
                insn(0x35, 1, 0, 0x40000000),
                insn(0x06, 0, 0, ALLOW),
                insn(0x06, 0, 0, KILL));
        assertThat(filter.allows(FUTEX)).isTrue();
        assertThat(filter.allows(0x40000000 | FUTEX)).isFalse();
    }

    @Test
    void aProgramWithoutAnEndAllowsNothing() {
        assertThat(filter(insn(0x20, 0, 0, 0)).allows(READ)).isFalse();
        assertThat(filter().allows(READ)).isFalse();
    }
}
