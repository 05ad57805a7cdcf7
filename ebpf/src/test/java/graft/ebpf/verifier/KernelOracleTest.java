package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What graft accepts, the running kernel accepts. Needs root and a C compiler. */
@Tag("slow")
class KernelOracleTest {
    @TempDir
    private Path folder;

    @Test
    void kernelAcceptsWhatGraftAccepts() throws IOException, InterruptedException {
        List<VerifierCases.Case> cases = VerifierCases.all().stream()
                .filter(one -> !one.code().contains("poison"))
                .toList();
        List<String> answers = new KernelOracle(folder).ask(cases);
        List<String> unsound = new ArrayList<>();
        List<String> stricter = new ArrayList<>();
        for (int index = 0; index < cases.size(); index++) {
            VerifierCases.Case one = cases.get(index);
            boolean accepted = Verifier.of(VerifierCases.maps()).verify(one.prog()) instanceof Verdict.Accepted;
            boolean kernel = answers.get(index).equals("accept");
            if (accepted && !kernel) {
                unsound.add(one.name() + ": " + answers.get(index));
            }
            if (!accepted && kernel) {
                stricter.add(one.name());
            }
        }
        Files.writeString(
                Path.of("target", "stricter-than-kernel.txt"),
                String.join("\n", stricter) + "\n",
                StandardCharsets.UTF_8);
        assertThat(unsound).isEmpty();
    }
}
