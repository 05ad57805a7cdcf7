package graft.uprobe.usdt;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where assemblers say that arguments are, and how usdt.bpf.h is told. */
class UsdtArgumentsTest {
    private static final int NARROW = 208;
    private static final int WIDE = 304;

    private static ByteBuffer spec(String arguments, int size) {
        List<UsdtArgument> parsed = UsdtArguments.parse(
                arguments, name -> name.equals("counter") ? Optional.of(0x2000L) : Optional.empty());
        return ByteBuffer.wrap(new UsdtSpec(parsed, 9).bytes(size)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Kinds: 0 constant, 1 register, 2 memory. */
    @ParameterizedTest
    @CsvSource({
        "-4@$-7,              0, -7,     0,   1, 32",
        "4@$0x10,             0, 16,     0,   0, 32",
        "8@%rdi,              1, 0,      112, 0, 0",
        "-4@%esi,             1, 0,      104, 1, 32",
        "-2@%dx,              1, 0,      96,  1, 48",
        "1@%bpl,              1, 0,      32,  0, 56",
        "-1@%r15b,            1, 0,      0,   1, 56",
        "4@%r8d,              1, 0,      72,  0, 32",
        "2@%r10w,             1, 0,      56,  0, 48",
        "8@(%rsp),            2, 0,      152, 0, 0",
        "-4@-1204(%rbp),      2, -1204,  32,  1, 32",
        "8@0x18(%rbx),        2, 24,     40,  0, 0",
        "-2@counter(%rip),    2, 0x2000, 128, 1, 48",
        "4@counter+8(%rip),   2, 0x2008, 128, 0, 32",
        "4@8+counter(%rip),   2, 0x2008, 128, 0, 32",
        "%rax,                1, 0,      80,  0, 0"
    })
    void readsEachForm(String argument, int kind, String value, int register, int signed, int shift) {
        ByteBuffer spec = spec(argument, NARROW);

        assertThat(spec.getLong(0)).isEqualTo(Long.decode(value));
        assertThat(spec.getInt(8)).isEqualTo(kind);
        assertThat(spec.getShort(12)).isEqualTo((short) register);
        assertThat(spec.get(14)).isEqualTo((byte) signed);
        assertThat(spec.get(15)).isEqualTo((byte) shift);
        assertThat(spec.getLong(192)).isEqualTo(9);
        assertThat(spec.getShort(200)).isEqualTo((short) 1);
    }

    /** As the compilers lay the header's bit fields out: the index register's offset in 12 bits, the scale in 4. */
    @Test
    void tellsNewerHeadersOfIndexes() {
        ByteBuffer spec = spec("-8@-8(%rsi,%rdx,8) 1@(%rdi,%rcx)", WIDE);

        assertThat(spec.getLong(0)).isEqualTo(-8);
        assertThat(spec.getInt(8)).isEqualTo(3 | (96 | 3 << 12) << 16);
        assertThat(spec.getShort(14)).isEqualTo((short) 104);
        assertThat(spec.get(16)).isEqualTo((byte) 1);
        assertThat(spec.getInt(32)).isEqualTo(3 | 88 << 16);
        assertThat(spec.getShort(38)).isEqualTo((short) 112);
        assertThat(spec.getShort(296)).isEqualTo((short) 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8f@%xmm0", "8@%ah", "4@other(%rip)", "4@(,%rax,4)", "16@%rax", "8@8(%rip)", "8@nonsense"})
    void whatCannotBeReadIsOfAKindThatProgramsRefuse(String argument) {
        assertThat(spec(argument, NARROW).getInt(8)).isEqualTo(0x7f);
    }

    @Test
    void countsAllArgumentsInTheirOrder() {
        ByteBuffer spec = spec("4@%edi -4@$1 8@16(%rsp)", NARROW);

        assertThat(spec.getShort(200)).isEqualTo((short) 3);
        assertThat(spec.getInt(8 + 16)).isZero();
        assertThat(spec.getInt(8 + 32)).isEqualTo(2);
    }
}
