package graft.ebpf.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The kernel's own types serve as examples. */
class ValueParserTest {
    private static final Path VMLINUX = Path.of("/sys/kernel/btf/vmlinux");
    private static final int LARGEST = 256;
    private static final int STRUCT = 4;
    private static final int FLOAT = 16;
    private static final int ENUM64 = 19;
    private static Optional<Btf> kernel = Optional.empty();

    @BeforeAll
    static void readTheKernelsTypes() throws IOException {
        if (Files.exists(VMLINUX)) {
            kernel = Optional.of(Btf.parse(Files.readAllBytes(VMLINUX)));
        }
    }

    private static ValueParser.Parsing parsed(String type, FormattedValue value) {
        assumeTrue(kernel.isPresent(), "this kernel has no BTF");
        int id = kernel.get().named(type).getFirst();
        return new ValueParser(kernel)
                .parse(value, OptionalInt.of(id), (int) kernel.get().size(id));
    }

    private static FormattedValue.Record struct(FormattedValue.Member... members) {
        return new FormattedValue.Record(List.of(members));
    }

    private static FormattedValue.Member number(String name, long value) {
        return new FormattedValue.Member(name, new FormattedValue.Number(Long.toString(value)));
    }

    private static byte[] bytes(ValueParser.Parsing parsing) {
        assertThat(parsing).isInstanceOf(ValueParser.Parsing.Parsed.class);
        return ((ValueParser.Parsing.Parsed) parsing).bytes();
    }

    private static String why(ValueParser.Parsing parsing) {
        assertThat(parsing).isInstanceOf(ValueParser.Parsing.Refused.class);
        ValueParser.Parsing.Refused refused = (ValueParser.Parsing.Refused) parsing;
        return (refused.where() + " " + refused.why()).strip();
    }

    @Test
    void whatIsWrittenIsReadAgainForTheStructsOfTheKernel() {
        assumeTrue(kernel.isPresent(), "this kernel has no BTF");
        Random random = new Random(1);
        ValueFormatter formatter = new ValueFormatter(kernel);
        ValueParser parser = new ValueParser(kernel);
        int same = 0;
        for (int id = 1; id < kernel.get().count(); id += 7) {
            if (kernel.get().type(id) instanceof BtfType.Composite type && type.size() > 0 && type.size() <= LARGEST) {
                byte[] bytes = new byte[type.size()];
                random.nextBytes(bytes);
                for (int i = 0; i < bytes.length; i++) {
                    bytes[i] &= 0x7f; // every byte is a character, and no sign is lost
                }
                FormattedValue shown = formatter.format(bytes, OptionalInt.of(id));
                if (shown instanceof FormattedValue.Record) {
                    switch (parser.parse(shown, OptionalInt.of(id), bytes.length)) {
                        case ValueParser.Parsing.Parsed(var again) -> {
                            assertThat(formatter.format(again, OptionalInt.of(id)))
                                    .isEqualTo(shown);
                            same++;
                        }
                        // A truth value in a union with a number says less than the number.
                        case ValueParser.Parsing.Refused refused ->
                            assertThat(refused.why()).as(type.name()).startsWith("contradicts another member");
                    }
                }
            }
        }
        assertThat(same).isGreaterThan(300);
    }

    @Test
    void membersMayComeInAnyOrderButAllMustCome() {
        assertThat(bytes(parsed("timespec64", struct(number("tv_nsec", -2), number("tv_sec", 7)))))
                .containsExactly(7, 0, 0, 0, 0, 0, 0, 0, -2, -1, -1, -1, -1, -1, -1, -1);
        assertThat(why(parsed("timespec64", struct(number("tv_sec", 7))))).isEqualTo("lacks the members tv_nsec");
        assertThat(why(parsed("timespec64", struct(number("tv_sec", 7), number("tv_nsec", 1), number("x", 1)))))
                .isEqualTo("has no member x; it has: tv_sec, tv_nsec");
    }

    @Test
    void enumerationsAreGivenByNameOrNumber() {
        assertThat(bytes(parsed("bpf_map_type", new FormattedValue.Text("BPF_MAP_TYPE_ARRAY"))))
                .containsExactly(2, 0, 0, 0);
        assertThat(bytes(parsed("bpf_map_type", new FormattedValue.Number("77"))))
                .containsExactly(77, 0, 0, 0);
        assertThat(why(parsed("bpf_map_type", new FormattedValue.Text("ARAY")))).contains("BPF_MAP_TYPE_ARRAY");
    }

    @Test
    void numbersThatDoNotFitAreRefused() {
        assertThat(why(parsed("unsigned char", new FormattedValue.Number("256"))))
                .isEqualTo("is a number from 0 to 255, not 256");
        assertThat(why(parsed("short int", new FormattedValue.Number("-32769"))))
                .isEqualTo("is a number from -32768 to 32767, not -32769");
        assertThat(bytes(parsed("short int", new FormattedValue.Number("-32768"))))
                .containsExactly(0, -128);
        assertThat(why(parsed("int", new FormattedValue.Text("ten")))).isEqualTo("is a whole number, not ten");
    }

    @Test
    void withoutTypesNumbersAreIntegersAndTheRestHexadecimal() {
        ValueParser untyped = new ValueParser(Optional.empty());
        assertThat(bytes(untyped.parse(new FormattedValue.Number("258"), OptionalInt.empty(), 4)))
                .containsExactly(2, 1, 0, 0);
        assertThat(bytes(untyped.parse(new FormattedValue.Number("18446744073709551615"), OptionalInt.empty(), 8)))
                .containsOnly(-1);
        assertThat(bytes(untyped.parse(new FormattedValue.Text("0x010203"), OptionalInt.empty(), 3)))
                .containsExactly(1, 2, 3);
        assertThat(why(untyped.parse(new FormattedValue.Text("0x0102"), OptionalInt.empty(), 3)))
                .startsWith("is no 0x and 6 hexadecimal digits");
    }

    @Test
    void membersThatComeTwiceAreRefused() {
        assertThat(why(parsed("timespec64", struct(number("tv_sec", 7), number("tv_nsec", 1), number("tv_sec", 8)))))
                .isEqualTo("has the member tv_sec twice");
    }

    @Test
    void numbersHaveOneSignOrNone() {
        assertThat(bytes(parsed("int", new FormattedValue.Text("0x1f")))).containsExactly(0x1f, 0, 0, 0);
        assertThat(why(parsed("int", new FormattedValue.Text("0x-5")))).isEqualTo("is a whole number, not 0x-5");
        assertThat(why(parsed("int", new FormattedValue.Text("+5")))).isEqualTo("is a whole number, not +5");
    }

    @Test
    void numbersWithAPointComeBackWhateverTheirSize() {
        for (int size : new int[] {2, 4, 8, 16}) {
            Btf btf = Btf.parse(new BtfWriter(0).type(FLOAT, "real", 0, size).bytes());
            byte[] bytes = new byte[size];
            Arrays.fill(bytes, (byte) 0x3d);
            FormattedValue shown = new ValueFormatter(Optional.of(btf)).format(bytes, OptionalInt.of(1));
            assertThat(bytes(new ValueParser(Optional.of(btf)).parse(shown, OptionalInt.of(1), size)))
                    .as("%d bytes, %s", size, shown)
                    .isEqualTo(bytes);
        }
    }

    @Test
    void enumerationsWithoutSignHaveLargeNumbers() {
        Btf btf = Btf.parse(new BtfWriter(0).type(ENUM64, "wide", 0, 8).bytes());
        FormattedValue all = new ValueFormatter(Optional.of(btf))
                .format(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1}, OptionalInt.of(1));
        assertThat(all).hasToString("18446744073709551615");
        assertThat(bytes(new ValueParser(Optional.of(btf)).parse(all, OptionalInt.of(1), 8)))
                .containsOnly(-1);
    }

    @Test
    void aStructThatIsInsideItselfIsRefused() {
        BtfWriter writer = new BtfWriter(0);
        int unnamed = writer.string("");
        Btf btf = Btf.parse(writer.type(STRUCT, "endless", 1, 4, unnamed, 1, 0).bytes());
        assertThat(why(new ValueParser(Optional.of(btf)).parse(struct(number("x", 1)), OptionalInt.of(1), 4)))
                .startsWith("cannot be typed: BTF: endless is nested more than");
    }
}
