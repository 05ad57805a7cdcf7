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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both verifiers say of each program what its name says. Needs root. */
@Tag("slow")
class VerdictsTest {
    private static final Path FOLDER = Path.of("target/test-classes/bpf");

    @ParameterizedTest
    @CsvSource({"user_ring, 19", "iterator, 9"})
    void areTheKernels(String what, int programs) throws IOException {
        Path file = FOLDER.resolve(what + "_verdicts.bpf.o");
        LoadResult result = ObjectLoader.load(file.toString(), Files.readAllBytes(file), Optional::empty);
        CollectionSpec object = ((LoadResult.Loaded) result).spec();
        assertThat(object.programs()).hasSize(programs);
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
