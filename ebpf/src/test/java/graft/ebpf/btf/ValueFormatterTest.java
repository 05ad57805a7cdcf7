package graft.ebpf.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The kernel's own types serve as examples. */
class ValueFormatterTest {
    private static final Path VMLINUX = Path.of("/sys/kernel/btf/vmlinux");
    private static Optional<Btf> kernel = Optional.empty();

    @BeforeAll
    static void readTheKernelsTypes() throws IOException {
        if (Files.exists(VMLINUX)) {
            kernel = Optional.of(Btf.parse(Files.readAllBytes(VMLINUX)));
        }
    }

    private static String formatted(String type, byte[] bytes) {
        assumeTrue(kernel.isPresent(), "this kernel has no BTF");
        int id = kernel.get().named(type).getFirst();
        return new ValueFormatter(kernel).format(bytes, OptionalInt.of(id)).toString();
    }

    private static ByteBuffer bytes(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Test
    void structsShowMembersByNameAndSignedIntegersTheirSign() {
        assertThat(formatted("timespec64", bytes(16).putLong(7).putLong(-2).array()))
                .isEqualTo("{tv_sec=7 tv_nsec=-2}");
    }

    @Test
    void enumerationsShowNamesAndUnknownValuesAsNumbers() {
        assertThat(formatted("bpf_map_type", bytes(4).putInt(2).array())).isEqualTo("BPF_MAP_TYPE_ARRAY");
        assertThat(formatted("bpf_map_type", bytes(4).putInt(99999).array())).isEqualTo("99999");
    }

    @Test
    void characterArraysEndAtTheirFirstZero() {
        byte[] names = Arrays.copyOf("Linux\0rest".getBytes(StandardCharsets.US_ASCII), 6 * 65);
        assertThat(formatted("new_utsname", names)).startsWith("{sysname=Linux nodename= release=");
    }

    @Test
    void bitFieldsAreCutOut() {
        assertThat(formatted("iphdr", bytes(20).put((byte) 0x45).array())).startsWith("{ihl=5 version=4 tos=0");
    }

    @Test
    void pointersAreHexadecimal() {
        assertThat(formatted("list_head", bytes(16).putLong(0x7f00_1000L).array()))
                .isEqualTo("{next=0x7f001000 prev=0x0}");
    }

    @Test
    void withoutTypesSizesOfIntegersAreIntegersAndTheRestHexadecimal() {
        ValueFormatter untyped = new ValueFormatter(Optional.empty());
        assertThat(untyped.format(new byte[] {(byte) 0xff}, OptionalInt.empty()))
                .hasToString("255");
        assertThat(untyped.format(bytes(8).putLong(-1).array(), OptionalInt.empty()))
                .hasToString("18446744073709551615");
        assertThat(untyped.format(new byte[] {1, 2, 3}, OptionalInt.empty())).hasToString("0x010203");
    }

    @Test
    void bytesTooFewForTheirTypeAreShownWithoutIt() {
        assertThat(formatted("timespec64", new byte[] {5, 0})).isEqualTo("5");
    }
}
