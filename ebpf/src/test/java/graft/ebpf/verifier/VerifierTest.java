package graft.ebpf.verifier;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.helper.Helper;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VerifierTest {
    private static final String LOOKUP =
            "*(u32 *)(r10 -4) = 0; r2 = r10; r2 += -4; r1 = map hash; call map_lookup_elem; ";

    @Test
    void rejectionNamesPlacePathSourceAndFix() {
        Rejection rejection = rejection(LOOKUP + "r6 = r0; r0 = *(u64 *)(r6 +0); exit");
        assertThat(rejection.render()).isEqualTo("""
                        program on_enter refused by the verifier: a pointer may be null
                          at insn 7   r0 = *(u64 *)(r6 +0)
                             r6 comes from bpf_map_lookup_elem (insn 5) and may be null on the path 5 → 7
                          fix: test r6 for null before insn 7         source: latency.bpf.c:42
                        """);
    }

    @Test
    void factsNameContextFieldsHelpersAndMaps() {
        Facts facts = facts("r6 = *(u64 *)(r1 +112); r7 = *(u8 *)(r1 +9); " + LOOKUP + "r0 = 0; exit");
        assertThat(facts.contextFields().stream()).containsExactly(1, 14);
        assertThat(facts.contextUse()).isEqualTo(Facts.ContextUse.FIELDS_ONLY);
        assertThat(facts.helpers()).containsExactly(Helper.MAP_LOOKUP_ELEM);
        assertThat(facts.mapOfCall()).containsEntry(7, "hash");
        assertThat(facts.frameBytes()).containsEntry(0, 8);
    }

    @Test
    void factsNameMapsThatStayAsTheyAre() {
        String value = LOOKUP + "if r0 == 0 goto E; ";
        assertThat(facts(value + "r1 = *(u64 *)(r0 +0); E:; r0 = 0; exit").unchangedMaps())
                .contains("hash");
        assertThat(facts(value + "r1 = 1; *(u64 *)(r0 +0) = r1; E:; r0 = 0; exit")
                        .unchangedMaps())
                .doesNotContain("hash")
                .isNotEmpty();
    }

    @Test
    void contextGivenToAHelperThatReadsBelowItDoesNotEscape() {
        assertThat(facts("call get_attach_cookie; exit").contextUse()).isEqualTo(Facts.ContextUse.FIELDS_ONLY);
    }

    @Test
    void deadBranchIsNotReachable() {
        Facts facts = facts("r0 = 0; if r0 == 0 goto E; r0 = 1; E:; exit");
        assertThat(facts.reachable().get(2)).isFalse();
        assertThat(facts.fallenBranches().get(1)).isFalse();
        assertThat(facts.takenBranches().get(1)).isTrue();
    }

    @Test
    void pathsThatMeetWithEqualStatesAreWalkedOnce() {
        StringBuilder code = new StringBuilder("r6 = *(u64 *)(r1 +0); r7 = 0; ");
        for (int index = 0; index < 40; index++) {
            code.append("if r6 == %d goto L%d; r7 = 5; L%d:; r7 = 0; r8 = 0; ".formatted(index, index, index));
        }
        assertThat(facts(code + "r0 = 0; exit").walked()).isLessThan(10_000);
    }

    @Test
    void branchesInsideALoopAreWalkedOnceARound() {
        String code = "r9 = r1; r6 = 0; r7 = 0; L:; r2 = *(u64 *)(r9 +0); if r2 > 5 goto A; r7 += r2; goto B; A:; "
                + "r7 += 1; B:; r6 += 1; if r6 < 1000 goto L; r0 = 0; exit";
        assertThat(facts(code).walked()).isBetween(6_000, 20_000);
    }

    /** Thirteen slots hold zero, or a pointer on the way on which a branch is not taken. */
    private static String slotsFilledOrNot() {
        StringBuilder code = new StringBuilder("r6 = *(u64 *)(r1 +0); r0 = 0; ");
        for (int slot = 1; slot <= 13; slot++) {
            code.append("*(u64 *)(r10 -%d) = r0; ".formatted(8 * slot));
        }
        for (int slot = 1; slot <= 13; slot++) {
            code.append(
                    "if r6 == %d goto L%d; *(u64 *)(r10 -%d) = r10; L%d:; r7 = 0; r7 = 1; r7 = 2; r7 = 3; goto M%d; M%d:; "
                            .formatted(slot, slot, 8 * slot, slot, slot, slot));
        }
        return code.toString();
    }

    @Test
    void stackThatNothingReadsDoesNotTellPathsApart() {
        assertThat(facts(slotsFilledOrNot() + "r0 = 0; exit").walked()).isLessThan(1_000);
    }

    @Test
    void stackThatIsReadAtTheEndTellsPathsApart() {
        Rejection rejection =
                rejection(slotsFilledOrNot() + "r1 = *(u64 *)(r10 -8); r0 = *(u64 *)(r1 -16); r0 = 0; exit");
        assertThat(rejection.cause()).isEqualTo(Cause.NOT_A_POINTER);
    }

    /** Of both branches, the first is taken with a number that is not zero, and so the second can be as well. */
    private static void bothBranchesCanBeTaken(String between) {
        String spilled = "r8 = *(u64 *)(r1 +0); r6 = *(u64 *)(r1 +8); *(u64 *)(r10 -8) = r8; ";
        Facts facts = facts(spilled + between + "if r0 > 0 goto E; r0 = 0; E:; exit");
        assertThat(facts.takenBranches()).isEqualTo(facts.fallenBranches());
    }

    @Test
    void byteOfASpilledZeroIsZeroOnThatPathOnly() {
        bothBranchesCanBeTaken("if r8 != 0 goto J; r7 = 0; J:; r0 = *(u8 *)(r10 -7); ");
    }

    @Test
    void byteOfASpilledZeroAtAVariablePlaceIsZeroOnThatPathOnly() {
        bothBranchesCanBeTaken("if r8 != 0 goto J; r7 = 0; J:; r6 &= 3; r3 = r10; r3 += r6; r0 = *(u8 *)(r3 -7); ");
    }

    @Test
    void restOfASpilledZeroThatIsPartlyOverwrittenIsZeroOnThatPathOnly() {
        bothBranchesCanBeTaken("if r8 != 0 goto J; r7 = 0; J:; *(u8 *)(r10 -8) = 1; r0 = *(u8 *)(r10 -7); ");
    }

    @Test
    void spilledZeroThatMeetsZeroBytesIsZeroOnThatPathOnly() {
        bothBranchesCanBeTaken("if r6 == 1 goto A; *(u32 *)(r10 -8) = 0; *(u32 *)(r10 -4) = 0; goto K; "
                + "A:; if r8 != 0 goto J; r7 = 0; J:; r7 = 1; K:; r0 = *(u8 *)(r10 -7); ");
    }

    @Test
    void budgetEndsTheWalk() {
        Verdict verdict = Verifier.of(VerifierCases.maps(), Limits.KERNEL.withInsns(50))
                .verify(prog("r0 = 0; L:; r0 += 1; if r0 < 100 goto L; exit"));
        assertThat(((Verdict.Rejected) verdict).rejection().cause()).isEqualTo(Cause.TOO_COMPLEX);
    }

    @Test
    void unwrittenStackCanBeForbidden() {
        Verdict verdict = Verifier.of(VerifierCases.maps(), Limits.KERNEL.withStackForbidden())
                .verify(prog("r0 = *(u64 *)(r10 -8); exit"));
        assertThat(((Verdict.Rejected) verdict).rejection().cause()).isEqualTo(Cause.UNINITIALISED_STACK);
    }

    private static Rejection rejection(String code) {
        return ((Verdict.Rejected) Verifier.of(VerifierCases.maps()).verify(prog(code))).rejection();
    }

    private static Facts facts(String code) {
        Verdict verdict = Verifier.of(VerifierCases.maps()).verify(prog(code));
        assertThat(verdict).isInstanceOf(Verdict.Accepted.class);
        return ((Verdict.Accepted) verdict).facts();
    }

    private static ProgSpec prog(String code) {
        return new ProgSpec(
                "on_enter",
                "uprobe",
                ProgType.UPROBE,
                Optional.empty(),
                CaseAssembler.assemble(code),
                List.of(),
                List.of(new ProgSpec.SourceLine(0, "latency.bpf.c", 42, "")),
                "GPL");
    }
}
