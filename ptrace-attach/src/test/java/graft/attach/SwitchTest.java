package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.rewriter.PatchSite;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Probes that are switched off have left the text, and come back. */
@Tag("slow")
@Timeout(600)
class SwitchTest {
    @TempDir
    Path journals;

    private Attachment attach(Injection injection) {
        return attach(injection, StepListener.NONE);
    }

    private Attachment attach(Injection injection, StepListener steps) {
        AttachResult result = new Attacher(journals, steps).attach(injection);
        assertThat(result).isInstanceOf(AttachResult.Attached.class);
        return ((AttachResult.Attached) result).attachment();
    }

    private static byte[] text(LiveTarget target, Injection injection) {
        List<PatchSite> sites = injection.plan().sites();
        RemoteAddress start = sites.getFirst().address();
        try (ProcMem memory = ProcMem.open(target.pid)) {
            return memory.readBytes(start, (int) sites.getLast().end().minus(start));
        }
    }

    private static void write(LiveTarget target, RemoteAddress address, byte[] bytes) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            memory.writeBytes(address, bytes);
        }
    }

    private static void awaitHits(LiveTarget target, Attachment attachment) {
        long hits = LiveTarget.hits(attachment);
        while (LiveTarget.hits(attachment) < hits + 1000) {
            assertThat(target.alive()).isTrue();
        }
    }

    /** Who was among the moved instructions has left them after some calls. */
    private static void assertNoHits(LiveTarget target, Attachment attachment) {
        awaitCalls(target);
        long hits = LiveTarget.hits(attachment);
        awaitCalls(target);
        assertThat(LiveTarget.hits(attachment)).isEqualTo(hits);
    }

    private static void awaitCalls(LiveTarget target) {
        long calls = target.calls();
        while (target.calls() < calls + 1000) {
            assertThat(target.alive()).isTrue();
        }
    }

    private static void assertSwitched(Switching switching) {
        assertThat(switching).isInstanceOf(Switching.Switched.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"spin", "epoll", "nanosleep", "read", "futextimed"})
    void offIsTheTextOfBeforeAndOnIsTheTextOfThePlan(String sleep) {
        try (LiveTarget target = LiveTarget.start(2, sleep)) {
            Injection injection = target.injection();
            byte[] before = text(target, injection);
            Attachment attachment = attach(injection);
            byte[] patched = text(target, injection);
            for (int round = 0; round < 20; round++) {
                assertSwitched(attachment.switchOff());
                assertSwitched(attachment.switchOff());
                assertThat(text(target, injection)).isEqualTo(before);
                assertNoHits(target, attachment);
                assertSwitched(attachment.switchOn());
                assertSwitched(attachment.switchOn());
                assertThat(text(target, injection)).isEqualTo(patched);
                awaitHits(target, attachment);
            }
            DetachProof proof = attachment.detach();
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(attachment.switchOn()).isInstanceOf(Switching.Gone.class);
            assertThat(target.wrong()).isZero();
            assertThat(journals).isEmptyDirectory();
        }
    }

    /** Eight threads run through functions that are probed in every way, so stops find them everywhere. */
    @Test
    void everyTacticComesAndGoesUnderEightThreads() {
        try (LiveTarget target = LiveTarget.start(TacticTarget.SOURCE, 8, "pause")) {
            Injection injection = TacticTarget.injection(target, TacticTarget.all());
            byte[] before = text(target, injection);
            Attachment attachment = attach(injection);
            int rounds = Integer.getInteger("graft.attach.rounds", 50);
            for (int round = 0; round < rounds; round++) {
                assertSwitched(attachment.switchOff());
                assertThat(text(target, injection)).isEqualTo(before);
                assertSwitched(attachment.switchOn());
                assertThat(target.alive()).as("round %d", round).isTrue();
            }
            awaitHits(target, attachment);
            assertSwitched(attachment.switchOff());
            assertNoHits(target, attachment);
            DetachProof proof = attachment.detach();
            assertThat(proof.clean()).as("%s", proof).isTrue();
            assertThat(proof.restored()).isEqualTo(injection.plan().sites().size());
            assertThat(target.wrong()).isZero();
        }
    }

    @Test
    void manySitesAreSwitchedByPage() {
        try (LiveTarget target = LiveTarget.start(4, "epoll")) {
            Injection injection = ManySites.injection(target.pid, target.many);
            byte[] before = text(target, injection);
            Attachment attachment = attach(injection);
            byte[] patched = text(target, injection);
            for (int round = 0; round < 20; round++) {
                assertSwitched(attachment.switchOff());
                assertThat(text(target, injection)).isEqualTo(before);
                awaitCalls(target);
                assertSwitched(attachment.switchOn());
                assertThat(text(target, injection)).isEqualTo(patched);
                awaitCalls(target);
            }
            assertThat(attachment.detach().clean()).isTrue();
            assertThat(target.wrong()).isZero();
        }
    }

    @Test
    void aPlaceThatSomebodyElseHasTakenMeanwhileStaysTheirs() {
        try (LiveTarget target = LiveTarget.start(1, "epoll")) {
            Injection injection = target.injection();
            Attachment attachment = attach(injection);
            assertSwitched(attachment.switchOff());
            RemoteAddress site = injection.plan().sites().getFirst().address();
            byte[] foreign = {(byte) 0xb8, 1, 2, 3, 4};
            write(target, site, foreign);

            assertThat(attachment.switchOn())
                    .isInstanceOfSatisfying(
                            Switching.Refused.class,
                            refused -> assertThat(refused.refusal().kind()).isEqualTo(Refusal.Kind.TEXT_DIFFERS));
            assertThat(text(target, injection)).isEqualTo(foreign);
            write(target, site, injection.plan().sites().getFirst().oldBytes().bytes());
            assertSwitched(attachment.switchOn());
            assertSwitched(attachment.switchOff());
            write(target, site, foreign);
            DetachProof proof = attachment.detach();

            assertThat(proof.outcome()).as("%s", proof).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(text(target, injection)).isEqualTo(foreign);
            assertThat(journals).isEmptyDirectory();
        }
    }

    /** Half of it comes back: the page that differs is left, and the rest of the places is tried one by one. */
    @Test
    void whatIsNotOursIsLeftAndSaidAndTheNextTryEndsIt() {
        try (LiveTarget target = LiveTarget.start(1, "epoll")) {
            Injection injection = ManySites.injection(target.pid, target.many);
            byte[] before = text(target, injection);
            PatchSite site = injection.plan().sites().get(41);
            byte[] foreign = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
            AtomicBoolean written = new AtomicBoolean();
            Attachment attachment = attach(injection, step -> {
                if (step.equals("off:text-restored") && written.compareAndSet(false, true)) {
                    write(target, site.address(), foreign);
                }
            });

            assertThat(attachment.switchOff())
                    .isInstanceOfSatisfying(
                            Switching.Refused.class,
                            refused -> assertThat(refused.refusal().reason())
                                    .contains(site.address().toString()));
            write(target, site.address(), site.newBytes().bytes());
            assertSwitched(attachment.switchOff());
            assertThat(text(target, injection)).isEqualTo(before);
            assertSwitched(attachment.switchOn());
            assertThat(attachment.detach().clean()).isTrue();
        }
    }

    @Test
    void aTargetThatHasEndedIsGone() {
        try (LiveTarget target = LiveTarget.start(2, "epoll")) {
            Attachment attachment = attach(target.injection());
            target.end();
            assertThat(attachment.switchOff()).isInstanceOf(Switching.Gone.class);
            assertThat(attachment.detach().outcome()).isEqualTo(DetachProof.Outcome.TARGET_GONE);
        }
    }
}
