package graft.ebpf.btf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class BtfTest {
    @Test
    void readsTheKernelsTypes() throws IOException {
        Path vmlinux = Path.of("/sys/kernel/btf/vmlinux");
        assumeTrue(Files.exists(vmlinux));
        Btf btf = Btf.parse(Files.readAllBytes(vmlinux));
        int id = btf.named("pt_regs").getFirst();
        assertThat(btf.size(id)).isEqualTo(168);
        for (int i = 0; i < btf.count(); i++) {
            btf.type(i);
        }
    }

    @Test
    void refusesBytesWithoutHeader() {
        assertThatThrownBy(() -> Btf.parse(new byte[30])).hasMessage("BTF: no header");
    }

    @Test
    void goesOnWhereTheBaseEnds() {
        BtfWriter kernel = new BtfWriter(0);
        kernel.type(1, "int", 0, 4, 1 << 24 | 32).type(8, "number", 0, 1);
        Btf base = Btf.parse(kernel.bytes());
        BtfWriter module = new BtfWriter(kernel.strings());
        int member = module.string("member");
        module.type(4, "pair", 2, 8, member, 2, 0, member, 1, 32);

        Btf btf = Btf.parse(module.bytes(), base);

        assertThat(btf.count()).isEqualTo(4);
        assertThat(btf.named("pair")).containsExactly(3);
        assertThat(btf.named("number")).containsExactly(2);
        assertThat(btf.resolved(2)).isInstanceOf(BtfType.Int.class);
        assertThat(btf.type(3)).isInstanceOfSatisfying(BtfType.Composite.class, pair -> {
            assertThat(pair.members()).extracting(BtfType.Member::name).containsExactly("member", "member");
            assertThat(pair.members()).extracting(BtfType.Member::type).containsExactly(2, 1);
        });
        assertThatThrownBy(() -> btf.type(4)).isInstanceOf(BtfFormatException.class);
    }

    @Test
    void knowsWhatAForwardDeclarationIsOf() {
        Btf btf = Btf.parse(new BtfWriter(0)
                .type(7, "structure", 0, 0)
                .type(7 | 0x80, "either", 0, 0)
                .bytes());

        assertThat(btf.type(1)).isEqualTo(new BtfType.Forward(BtfType.Composite.Kind.STRUCT, "structure"));
        assertThat(btf.type(2)).isEqualTo(new BtfType.Forward(BtfType.Composite.Kind.UNION, "either"));
    }
}
