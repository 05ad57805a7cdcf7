package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.rewriter.PatchSite;
import graft.rewriter.PatchSite.Tactic;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("slow")
@Timeout(7200)
class TacticTest {
    @TempDir
    Path journals;

    static List<List<TacticTarget.Wanted>> each() {
        return TacticTarget.all().stream().map(List::of).toList();
    }

    private Attachment attach(Injection injection) {
        AttachResult result = new Attacher(journals, StepListener.NONE).attach(injection);
        assertThat(result).isInstanceOf(AttachResult.Attached.class);
        return ((AttachResult.Attached) result).attachment();
    }

    @Test
    void everyTacticIsAmongThem() {
        try (LiveTarget target = LiveTarget.start(TacticTarget.SOURCE, 1, "pause")) {
            Set<Tactic> seen = EnumSet.noneOf(Tactic.class);
            for (PatchSite site :
                    TacticTarget.injection(target, TacticTarget.all()).plan().sites()) {
                seen.add(site.tactic());
            }
            assertThat(seen).containsExactlyInAnyOrder(Tactic.values());
        }
    }

    @ParameterizedTest
    @MethodSource("each")
    void eachCountsWhereItIs(List<TacticTarget.Wanted> wanted) {
        try (LiveTarget target = LiveTarget.start(TacticTarget.SOURCE, 2, "pause")) {
            Attachment attachment = attach(TacticTarget.injection(target, wanted));
            while (LiveTarget.hits(attachment) < 1000) {
                assertThat(target.alive()).isTrue();
            }
            DetachProof proof = attachment.detach();
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(target.wrong()).isZero();
        }
    }

    /** Eight threads run through all functions all the time, so stops find them everywhere. */
    @Test
    void allOfThemComeAndGoUnderEightThreads() {
        try (LiveTarget target = LiveTarget.start(TacticTarget.SOURCE, 8, "pause")) {
            int rounds = Integer.getInteger("graft.attach.rounds", 25);
            for (int round = 0; round < rounds; round++) {
                Attachment attachment = attach(TacticTarget.injection(target, TacticTarget.all()));
                DetachProof proof = attachment.detach();
                assertThat(proof.clean()).as("round %d: %s", round, proof).isTrue();
                assertThat(target.alive()).as("round %d", round).isTrue();
            }
            assertThat(target.wrong()).isZero();
        }
    }
}
