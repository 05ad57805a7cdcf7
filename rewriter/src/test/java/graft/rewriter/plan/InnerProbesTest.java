package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.ReturnRoutines;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Probes at instructions that the stubs of other probes move. */
class InnerProbesTest {
    private static final RemoteAddress TEXT = new RemoteAddress(0x400000);
    private static final RemoteAddress POOL = new RemoteAddress(0x500000);
    private static final RemoteAddress THUNK = new RemoteAddress(0x520000);
    private static final String PROLOGUE = "55 48 89 e5 48 83 ec 20";

    private final ProgramAtSite program = _ -> new ProbeCall(THUNK, TEXT, 0);

    /** A program that may leave its function. */
    private static final ProgramAtSite OVERRIDING = new ProgramAtSite() {
        @Override
        public ProbeCall call(ProbeKind kind) {
            return new ProbeCall(THUNK, TEXT, 0, effect());
        }

        @Override
        public ProbeCall.Effect effect() {
            return ProbeCall.Effect.MAY_OVERRIDE;
        }
    };

    @Test
    void theStubOfAnEntryRunsWhatIsExpectedAtTheInstructionsThatItMoves() {
        ProbePlanner planner = planner(PROLOGUE + "31 c0 c9 c3");
        FunctionRange function = new FunctionRange("f", TEXT, 12);
        planner.expect(
                function,
                Map.of(TEXT.plus(1), List.of(program), TEXT.plus(4), List.of(program), TEXT.plus(8), List.of(program)));

        PatchSite entry = onlySite(planner.function(function, List.of(program), List.of()));

        assertThat(entry.checks()).anyMatch(check -> check.startsWith("runs the probe at +1 "));
        assertThat(planner.offset(function, TEXT.plus(1), List.of(program))).isEqualTo(new Planned.Inside(entry));
        assertThat(planner.offset(function, TEXT.plus(4), List.of(program))).isEqualTo(new Planned.Inside(entry));
        // what is not moved gets a site, if there is room
        assertThat(planner.offset(function, TEXT.plus(8), List.of(program)))
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.TOO_SHORT));
    }

    @Test
    void ofProbesInsideAFunctionTheFirstRunsThoseThatItMoves() {
        ProbePlanner planner = planner(PROLOGUE + "31 c0 c9 c3");
        FunctionRange function = new FunctionRange("f", TEXT, 12);
        planner.expect(function, Map.of(TEXT.plus(1), List.of(program), TEXT.plus(4), List.of(program)));

        PatchSite first = onlySite(planner.offset(function, TEXT.plus(1), List.of(program)));

        assertThat(first.address()).isEqualTo(TEXT.plus(1));
        assertThat(planner.offset(function, TEXT.plus(4), List.of(program))).isEqualTo(new Planned.Inside(first));
    }

    @Test
    void aPlaceThatSomethingJumpsToIsNotRunByAnothersStub() {
        // push rbp; mov rbp,rsp; sub rsp,32; jmp to the mov
        ProbePlanner planner = planner(PROLOGUE + "eb f7 c3");
        FunctionRange function = new FunctionRange("f", TEXT, 11);
        planner.expect(function, Map.of(TEXT.plus(1), List.of(program)));

        assertThat(planner.function(function, List.of(program), List.of())).isInstanceOf(Planned.Refused.class);
        assertThat(onlySite(planner.offset(function, TEXT.plus(1), List.of(program)))
                        .address())
                .isEqualTo(TEXT.plus(1));
    }

    @Test
    void whatLeavesTheFunctionIsRefusedInsideAnothersStubToo() {
        ProbePlanner planner = planner(PROLOGUE + "31 c0 c9 c3");
        FunctionRange function = new FunctionRange("f", TEXT, 12);
        planner.expect(function, Map.of(TEXT.plus(4), List.of(OVERRIDING)));
        onlySite(planner.function(function, List.of(program), List.of()));

        assertRefused(planner.offset(function, TEXT.plus(4), List.of(OVERRIDING)), "at the entries of functions only");
    }

    private static ProbePlanner planner(String body) {
        ModuleText module = new ModuleText(
                "a.out", Code.ofHex(body).bytes(), TEXT, List.of(TEXT), List.of(), (_, _) -> new byte[0], Set.of());
        ReturnRoutines.Addresses routines = new ReturnRoutines.Addresses(THUNK, THUNK);
        return new ProbePlanner(module, new FakeSpace(POOL), () -> routines, Unwinding.ABSENT);
    }

    private static void assertRefused(Planned planned, String why) {
        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.why()).contains(why));
    }

    private static PatchSite onlySite(Planned planned) {
        return switch (planned) {
            case Planned.Patchable(var sites) -> {
                assertThat(sites).hasSize(1);
                yield sites.getFirst();
            }
            case Planned.Inside inside -> throw new AssertionError(inside);
            case Planned.Refused refused -> throw new AssertionError(refused);
        };
    }
}
