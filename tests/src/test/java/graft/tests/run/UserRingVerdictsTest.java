package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.bridge.KernelCollection;
import graft.bridge.KernelLoad;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.object.ObjectLoader;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What callbacks may do with a sample of a user ring buffer: both verifiers say the same of each program. Needs root. */
@Tag("slow")
class UserRingVerdictsTest {
    private static final Path OBJECT = Path.of("target/test-classes/bpf/user_ring_verdicts.bpf.o");
    private static final int PROGRAMS = 19;

    @Test
    void areTheKernels() throws IOException {
        LoadResult result = ObjectLoader.load(OBJECT.toString(), Files.readAllBytes(OBJECT), Optional::empty);
        CollectionSpec object = ((LoadResult.Loaded) result).spec();
        assertThat(object.programs()).hasSize(PROGRAMS);
        for (ProgSpec program : object.programs().values()) {
            boolean wanted = program.name().startsWith("accepted_");
            Verdict ours = Verifier.of(object).verify(program);
            assertThat(ours instanceof Verdict.Accepted)
                    .as("%s: %s", program.name(), ours)
                    .isEqualTo(wanted);
            KernelLoad kernel =
                    KernelCollection.load(object.with(Map.of(program.name(), program)), Map.of(), Set.of(1));
            if (kernel instanceof KernelLoad.Loaded(var loaded)) {
                loaded.close();
            }
            assertThat(kernel instanceof KernelLoad.Loaded)
                    .as("%s: %s", program.name(), kernel)
                    .isEqualTo(wanted);
        }
    }
}
