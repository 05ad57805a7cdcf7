package graft.attach;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.ProcMem;
import graft.rewriter.PatchSite;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** So many sites that those of a page are written at once; what lies between them is not ours. */
@Tag("slow")
@Timeout(120)
class ManySitesTest {
    /** Behind the first functions' {@code ret}, where padding is. */
    private static final int FOREIGN = 40 * ManySites.DISTANCE + 8;

    private static final byte MARK = 0x5a;

    @TempDir
    private Path journals;

    private static byte[] text(LiveTarget target) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            return memory.readBytes(new RemoteAddress(target.many), ManySites.SITES * ManySites.DISTANCE);
        }
    }

    private static void writeForeign(LiveTarget target) {
        try (ProcMem memory = ProcMem.open(target.pid)) {
            memory.writeBytes(new RemoteAddress(target.many).plus(FOREIGN), new byte[] {MARK});
        }
    }

    private static byte[] patched(byte[] text, Injection injection, LiveTarget target) {
        byte[] expected = text.clone();
        for (PatchSite site : injection.plan().sites()) {
            byte[] bytes = site.newBytes().bytes();
            System.arraycopy(bytes, 0, expected, (int) (site.address().value() - target.many), bytes.length);
        }
        return expected;
    }

    private static Attachment attached(AttachResult result) {
        assertThat(result).isInstanceOf(AttachResult.Attached.class);
        return ((AttachResult.Attached) result).attachment();
    }

    private static void assertGoesOn(LiveTarget target) {
        long calls = target.calls();
        while (target.calls() < calls + 1000) {
            Thread.onSpinWait();
        }
        assertThat(target.alive()).isTrue();
        assertThat(target.wrong()).isZero();
    }

    @Test
    void everySiteIsWrittenAndRestored() {
        try (LiveTarget target = LiveTarget.start(4, "epoll")) {
            byte[] before = text(target);
            Injection injection = ManySites.injection(target.pid, target.many);
            for (int round = 0; round < 20; round++) {
                Attachment attachment = attached(new Attacher(journals, StepListener.NONE).attach(injection));
                assertThat(text(target)).isEqualTo(patched(before, injection, target));
                assertGoesOn(target);
                DetachProof proof = attachment.detach();
                assertThat(proof.clean()).as("%s", proof).isTrue();
                assertThat(proof.restored()).isEqualTo(ManySites.SITES);
                assertThat(text(target)).isEqualTo(before);
            }
            assertGoesOn(target);
            assertThat(journals).isEmptyDirectory();
        }
    }

    @Test
    void bytesThatAnotherToolWroteBetweenThemAreKept() {
        try (LiveTarget target = LiveTarget.start(2, "epoll")) {
            byte[] before = text(target);
            Injection injection = ManySites.injection(target.pid, target.many);
            Attachment attachment = attached(new Attacher(journals, StepListener.NONE).attach(injection));
            writeForeign(target);

            DetachProof proof = attachment.detach();

            assertThat(proof.outcome()).as("%s", proof).isEqualTo(DetachProof.Outcome.RESTORED);
            before[FOREIGN] = MARK;
            assertThat(text(target)).isEqualTo(before);
            assertGoesOn(target);
        }
    }

    @Test
    void bytesThatAnotherToolWritesAsTheDetachBeginsAreKept() {
        try (LiveTarget target = LiveTarget.start(2, "epoll")) {
            byte[] before = text(target);
            Injection injection = ManySites.injection(target.pid, target.many);
            AtomicBoolean written = new AtomicBoolean();
            Attachment attachment = attached(new Attacher(journals, step -> {
                        if (step.equals("detach:text-restored") && written.compareAndSet(false, true)) {
                            writeForeign(target);
                        }
                    })
                    .attach(injection));

            DetachProof proof = attachment.detach();

            assertThat(proof.outcome()).as("%s", proof).isEqualTo(DetachProof.Outcome.RESTORED);
            assertThat(proof.restored()).isEqualTo(ManySites.SITES);
            before[FOREIGN] = MARK;
            assertThat(text(target)).isEqualTo(before);
            assertGoesOn(target);
        }
    }

    @Test
    void textThatChangesBeforeTheStopIsLeftAlone() {
        try (LiveTarget target = LiveTarget.start(2, "epoll")) {
            byte[] before = text(target);
            Injection injection = ManySites.injection(target.pid, target.many);
            AttachResult result = new Attacher(journals, step -> {
                        if (step.equals("attach:threads-stopped")) {
                            writeForeign(target);
                        }
                    })
                    .attach(injection);

            assertThat(result)
                    .isInstanceOfSatisfying(
                            AttachResult.Refused.class,
                            refused -> assertThat(refused.refusal().kind()).isEqualTo(Refusal.Kind.TEXT_DIFFERS));
            before[FOREIGN] = MARK;
            assertThat(text(target)).isEqualTo(before);
            assertGoesOn(target);
            assertThat(journals).isEmptyDirectory();
        }
    }

    @Test
    void aSiteWithForeignBytesIsLeftAloneAndTheOthersAreRestored() {
        try (LiveTarget target = LiveTarget.start(1, "epoll")) { // where nobody calls the functions
            byte[] before = text(target);
            Injection injection = ManySites.injection(target.pid, target.many);
            Attachment attachment = attached(new Attacher(journals, StepListener.NONE).attach(injection));
            byte[] foreign = {MARK, MARK, MARK, MARK, MARK};
            int site = 41 * ManySites.DISTANCE;
            try (ProcMem memory = ProcMem.open(target.pid)) {
                memory.writeBytes(new RemoteAddress(target.many).plus(site), foreign);
            }

            DetachProof proof = attachment.detach();

            assertThat(proof.outcome()).isEqualTo(DetachProof.Outcome.INCOMPLETE);
            assertThat(proof.restored()).isEqualTo(ManySites.SITES - 1);
            System.arraycopy(foreign, 0, before, site, foreign.length);
            assertThat(text(target)).isEqualTo(before);
            assertThat(target.alive()).isTrue();
        }
    }
}
