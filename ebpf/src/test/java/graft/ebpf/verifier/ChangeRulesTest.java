package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What programs may change in their process when its user allows it. */
class ChangeRulesTest {
    private static final String OVERRIDE = "r2 = 7; call override_return; exit";
    private static final String WRITES_RDI = "*(u64 *)(r1 +112) = 1; r0 = 0; exit";
    private static final String WRITES_RAX = "*(u64 *)(r1 +80) = 1; r0 = 0; exit";

    private static Verdict verdict(ProgType type, String code, Permission... permissions) {
        ProgSpec program = new ProgSpec(
                "change", "test", type, Optional.empty(), CaseAssembler.assemble(code), List.of(), List.of(), "GPL");
        return Verifier.of(VerifierCases.maps()).allowing(Set.of(permissions)).verify(program);
    }

    private static Facts facts(ProgType type, String code) {
        Verdict verdict = verdict(type, code, Permission.CHANGE);
        assertThat(verdict).isInstanceOf(Verdict.Accepted.class);
        return ((Verdict.Accepted) verdict).facts();
    }

    private static void assertRefused(Cause cause, Verdict verdict) {
        assertThat(verdict)
                .isInstanceOfSatisfying(
                        Verdict.Rejected.class,
                        rejected -> assertThat(rejected.rejection().cause()).isEqualTo(cause));
    }

    @Test
    void anAllowedProgramMayLeaveItsFunction() {
        assertThat(facts(ProgType.UPROBE, OVERRIDE).helpers()).containsExactly(Helper.OVERRIDE_RETURN);
        assertRefused(Cause.NOT_ALLOWED, verdict(ProgType.UPROBE, OVERRIDE));
    }

    @Test
    void onlyWhatHasNotBegunCanBeLeft() {
        for (ProgType type : List.of(ProgType.URETPROBE, ProgType.USDT, ProgType.SYSCALL_EXIT, ProgType.KRETSYSCALL)) {
            assertRefused(Cause.UNKNOWN_HELPER, verdict(type, OVERRIDE, Permission.CHANGE));
        }
        for (ProgType type : List.of(ProgType.KSYSCALL, ProgType.SYSCALL_ENTER, ProgType.RAW_SYSCALL_ENTER)) {
            assertThat(facts(type, OVERRIDE).helpers()).containsExactly(Helper.OVERRIDE_RETURN);
            assertRefused(Cause.NOT_ALLOWED, verdict(type, OVERRIDE));
        }
    }

    @Test
    void signalsNeedPermissionAtAnyPlace() {
        for (ProgType type : List.of(ProgType.UPROBE, ProgType.URETPROBE, ProgType.SYSCALL_EXIT)) {
            assertThat(facts(type, "r1 = 10; call send_signal; exit").helpers()).containsExactly(Helper.SEND_SIGNAL);
            assertRefused(Cause.NOT_ALLOWED, verdict(type, "r1 = 10; call send_signal; exit"));
            assertRefused(Cause.NOT_ALLOWED, verdict(type, "r1 = 10; call send_signal_thread; exit"));
        }
    }

    /** It would end the agent's calls in the process for every session. */
    @Test
    void onlyGraftsOwnProgramsEndTheAgentsCalls() {
        String confine = "call confine; r0 = 0; exit";
        assertRefused(Cause.UNKNOWN_HELPER, verdict(ProgType.SYSCALL_ENTER, confine, Permission.CHANGE));
        assertThat(verdict(ProgType.SYSCALL_ENTER, confine, Permission.CONFINE)).isInstanceOf(Verdict.Accepted.class);
    }

    @Test
    void factsNameTheRegistersThatAreWritten() {
        assertThat(facts(ProgType.UPROBE, WRITES_RDI).writtenFields().stream()).containsExactly(14);
        assertThat(facts(ProgType.URETPROBE, WRITES_RAX).writtenFields().stream())
                .containsExactly(10);
        assertThat(facts(ProgType.UPROBE, "r0 = 0; exit").writtenFields().isEmpty())
                .isTrue();
    }

    @Test
    void theResultIsWhatAReturnMayChange() {
        assertRefused(Cause.READ_ONLY, verdict(ProgType.URETPROBE, WRITES_RDI, Permission.CHANGE));
    }

    @Test
    void whereTheProcessGoesOnCannotBeChanged() {
        for (int field = 15; field < 21; field++) {
            assertRefused(
                    Cause.READ_ONLY,
                    verdict(
                            ProgType.UPROBE,
                            "*(u64 *)(r1 +%d) = 1; r0 = 0; exit".formatted(8 * field),
                            Permission.CHANGE));
        }
        assertRefused(
                Cause.READ_ONLY, verdict(ProgType.UPROBE, "*(u64 *)(r1 +116) = 1; r0 = 0; exit", Permission.CHANGE));
    }

    @Test
    void pointersOfProgramsStayInPrograms() {
        assertRefused(
                Cause.POINTER_LEAK,
                verdict(ProgType.UPROBE, "*(u64 *)(r1 +112) = r10; r0 = 0; exit", Permission.CHANGE));
    }

    @Test
    void aSystemCallsArgumentsAndResultAreFieldsOfItsRecord() {
        assertThat(facts(ProgType.SYSCALL_ENTER, "*(u64 *)(r1 +24) = 1; r0 = 0; exit").writtenFields().stream())
                .containsExactly(3);
        assertRefused(
                Cause.READ_ONLY,
                verdict(ProgType.SYSCALL_ENTER, "*(u64 *)(r1 +8) = 1; r0 = 0; exit", Permission.CHANGE));
        assertThat(facts(ProgType.SYSCALL_EXIT, "*(u64 *)(r1 +16) = 1; r0 = 0; exit").writtenFields().stream())
                .containsExactly(2);
    }
}
