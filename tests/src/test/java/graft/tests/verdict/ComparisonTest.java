package graft.tests.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import graft.tests.verdict.Comparison.Difference;
import graft.tests.verdict.Comparison.Row;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The verifier says what the running kernel says, on programs that were not made for graft. */
@Tag("slow")
final class ComparisonTest {
    private static final double MOST_STRICT_PERCENT = 3;
    private static final int FEWEST_SELFTESTS = 1000;
    private static final int FEWEST_TOOLS = 150;

    @Test
    void acceptsNoProgramThatTheKernelRefusesAndFewOthersAreRefused() throws IOException, InterruptedException {
        Report report = report(Corpus.Part.SELFTESTS);
        assertThat(report.judged()).isGreaterThan(FEWEST_SELFTESTS);
        assertThat(report.only(Difference.UNSOUND)).extracting(Row::name).isEmpty();
        assertThat(report.strictPercent()).isLessThanOrEqualTo(MOST_STRICT_PERCENT);
    }

    @Test
    void agreesWithTheKernelOnTheToolsOfLibbpf() throws IOException, InterruptedException {
        Report report = report(Corpus.Part.TOOLS);
        assertThat(report.judged()).isGreaterThan(FEWEST_TOOLS);
        assertThat(report.only(Difference.UNSOUND)).extracting(Row::name).isEmpty();
        assertThat(report.only(Difference.STRICT)).extracting(Row::name).isEmpty();
    }

    private static Report report(Corpus.Part part) throws IOException, InterruptedException {
        return switch (Corpus.fetch(Path.of(System.getProperty("graft.root")))) {
            case Corpus.Fetch.Missing(var why) -> Assumptions.abort(why);
            case Corpus.Fetch.Fetched(var corpus) -> {
                List<KernelVerdict> verdicts = corpus.ask(part);
                yield new Report(new Comparison().rows(verdicts));
            }
        };
    }
}
