package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("slow")
@Timeout(120)
class AttachTest {
    @TempDir
    Path journals;

    private Attachment attach(LiveTarget target) {
        AttachResult result = new Attacher(journals, StepListener.NONE).attach(target.injection());
        assertThat(result).isInstanceOf(AttachResult.Attached.class);
        return ((AttachResult.Attached) result).attachment();
    }

    @ParameterizedTest
    @ValueSource(strings = {"spin", "epoll", "nanosleep", "poll", "read", "futex", "futextimed"})
    void attachAndDetachAreInvisibleToTheLeader(String sleep) {
        try (LiveTarget target = LiveTarget.start(2, sleep)) {
            var maps = target.maps();
            Attachment attachment = attach(target);
            while (LiveTarget.hits(attachment) < 1000) {
                Thread.onSpinWait();
            }
            DetachProof proof = attachment.detach();
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(proof.after().descriptors()).isEqualTo(proof.before().descriptors());
            assertThat(target.maps()).isEqualTo(maps);
            long calls = target.calls();
            while (target.calls() < calls + 1000) {
                Thread.onSpinWait();
            }
            assertThat(target.alive()).isTrue();
            assertThat(target.wrong()).isZero();
            assertThat(journals).isEmptyDirectory();
        }
    }

    @Test
    void roundsOnABusyProgramLeaveNothing() {
        try (LiveTarget target = LiveTarget.start(8, "epoll")) {
            var maps = target.maps();
            int rounds = Integer.getInteger("graft.attach.rounds", 100);
            for (int round = 0; round < rounds; round++) {
                DetachProof proof = attach(target).detach();
                assertThat(proof.clean()).as("round %d: %s", round, proof).isTrue();
            }
            assertThat(target.maps()).isEqualTo(maps);
            assertThat(target.alive()).isTrue();
            assertThat(target.wrong()).isZero();
        }
    }
}
