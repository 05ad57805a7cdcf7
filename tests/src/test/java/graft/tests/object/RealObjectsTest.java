package graft.tests.object;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import graft.ebpf.jit.Compilation;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.LoadResult;
import graft.ebpf.verifier.Cause;
import graft.ebpf.verifier.Permission;
import graft.ebpf.verifier.Rejection;
import graft.ebpf.verifier.Verdict;
import graft.ebpf.verifier.Verifier;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Every object that the build compiles is taken as far as a target, or refused for the right reason. */
final class RealObjectsTest {
    private static final Path ROOT = Path.of(System.getProperty("graft.root"));
    private static final Path PACKAGED = ROOT.resolve("tools/target/classes/graft/cli/bpf");
    private static final Path TESTS = ROOT.resolve("tests/target/test-classes/bpf");

    /** Begins the name of an object whose programs are all refused, and of such a program beside others. */
    private static final String REFUSED = "refused_";

    private final RealObjects objects = new RealObjects();

    @Test
    void acceptsAndCompilesTheGoodOnes() throws IOException {
        List<RealObjects.Outcome> outcomes = new ArrayList<>(outcomesIn(PACKAGED, ""));
        assertThat(outcomes).isNotEmpty();
        outcomes.addAll(outcomesIn(TESTS, REFUSED));
        for (RealObjects.Outcome outcome : outcomes) {
            String name = outcome.object() + ": " + outcome.program().name();
            if (outcome.program().name().startsWith(REFUSED)) {
                assertThat(outcome.verdict()).as(name).isInstanceOf(Verdict.Rejected.class);
                continue;
            }
            assertThat(outcome.verdict()).as(name).isInstanceOf(Verdict.Accepted.class);
            assertThat(outcome.compilation())
                    .as(name)
                    .hasValueSatisfying(
                            compilation -> assertThat(compilation).as(name).isInstanceOf(Compilation.Compiled.class));
        }
    }

    @Test
    void rejectsTheBadOnesWithInstructionAndReason() throws IOException {
        Map<String, Rejection> rejections = new TreeMap<>();
        for (Path file : RealObjects.in(TESTS)) {
            if (file.getFileName().toString().startsWith(REFUSED)) {
                for (RealObjects.Outcome outcome : outcomes(file)) {
                    assertThat(outcome.verdict()).as(outcome.object()).isInstanceOf(Verdict.Rejected.class);
                    rejections.put(outcome.object(), ((Verdict.Rejected) outcome.verdict()).rejection());
                }
            }
        }
        assertThat(rejections.values())
                .extracting(Rejection::program, Rejection::cause, Rejection::insn)
                .containsExactly(
                        tuple("no_bounds_test", Cause.POINTER_ARITHMETIC, "r0 += r1"),
                        tuple("reservation_lost", Cause.LEAKED_RECORD, "exit"),
                        tuple("no_null_test", Cause.MAY_BE_NULL, "r1 = *(u64 *)(r0 +0)"),
                        tuple("direct_read", Cause.NOT_A_POINTER, "r0 = *(u32 *)(r1 +0)"));
        assertThat(rejections.values()).allSatisfy(rejection -> {
            assertThat(rejection.why()).isNotBlank();
            assertThat(rejection.source()).isPresent();
        });
    }

    private List<RealObjects.Outcome> outcomesIn(Path folder, String without) throws IOException {
        List<RealObjects.Outcome> outcomes = new ArrayList<>();
        for (Path file : RealObjects.in(folder)) {
            if (without.isEmpty() || !file.getFileName().toString().startsWith(without)) {
                outcomes.addAll(outcomes(file));
            }
        }
        return outcomes;
    }

    private List<RealObjects.Outcome> outcomes(Path file) throws IOException {
        LoadResult result = objects.load(file);
        assertThat(result).as(file.toString()).isInstanceOf(LoadResult.Loaded.class);
        CollectionSpec spec = ((LoadResult.Loaded) result).spec();
        return objects.outcomes(spec, Verifier.of(spec).allowing(Set.of(Permission.CHANGE)));
    }
}
