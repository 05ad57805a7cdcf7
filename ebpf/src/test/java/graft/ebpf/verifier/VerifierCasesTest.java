package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class VerifierCasesTest {
    static List<VerifierCases.Case> cases() {
        return VerifierCases.all();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void verdictIsTheOneInTheFile(VerifierCases.Case expected) {
        Verdict verdict = Verifier.of(VerifierCases.maps()).verify(expected.prog());
        String text = switch (verdict) {
            case Verdict.Accepted _ -> "accept";
            case Verdict.Rejected(var rejection) -> rejection.cause().name();
        };
        assertThat(text).as("%s", verdict).isEqualTo(expected.expected());
    }
}
