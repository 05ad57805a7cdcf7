package graft.attach;

import graft.platform.address.RemoteAddress;
import java.util.List;

/**
 * What was measured after a detach.
 *
 * @param outcome what became of the target
 * @param sites patched places that were to be restored
 * @param restored those whose bytes are the original ones again
 * @param heirs processes that the target forked while it was probed and that were restored too
 * @param pages every text page that had been touched
 * @param quarantined memory left in the target because a thread may still return into it, or it could not be unmapped
 * @param before the target's census before the attach
 * @param after the target's census after the detach
 * @param timing how long the target was held by the detach
 * @param notes what went wrong, for people; empty when nothing did
 */
public record DetachProof(
        Outcome outcome,
        int sites,
        int restored,
        int heirs,
        List<Page> pages,
        List<Quarantined> quarantined,
        Census before,
        Census after,
        Timing timing,
        List<String> notes) {
    public DetachProof {
        pages = List.copyOf(pages);
        quarantined = List.copyOf(quarantined);
        notes = List.copyOf(notes);
    }

    /** What became of the target. */
    public enum Outcome {
        /** All text is restored. */
        RESTORED,
        /** The target ended; there was nothing left to restore. */
        TARGET_GONE,
        /** Some text could not be restored; see the notes. */
        INCOMPLETE
    }

    /**
     * A touched page of text.
     *
     * @param sha256 of the page in memory, in hexadecimal
     * @param fileSha256 of the same page of the mapped file; empty when memory has no file behind it
     */
    public record Page(RemoteAddress address, String sha256, String fileSha256) {
        /** Whether memory holds exactly what the file holds (always true for memory without a file). */
        public boolean matchesFile() {
            return fileSha256.isEmpty() || fileSha256.equals(sha256);
        }
    }

    /** Memory that stays mapped. */
    public record Quarantined(RemoteAddress address, long size, String reason) {}

    /** Countable things of a process that an attach must not change. */
    public record Census(int threads, int descriptors, int mappings, long residentBytes) {}

    /** Text restored, equal to its file, nothing left behind. */
    public boolean clean() {
        return outcome == Outcome.TARGET_GONE
                || outcome == Outcome.RESTORED
                        && restored == sites
                        && quarantined.isEmpty()
                        && pages.stream().allMatch(Page::matchesFile);
    }
}
