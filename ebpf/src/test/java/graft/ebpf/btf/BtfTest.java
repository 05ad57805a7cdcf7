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
}
