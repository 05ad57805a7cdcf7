package graft.daemon;

import graft.attach.Attachment;
import graft.ebpf.maps.BpfMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The processes that targets have forked and that are traced too. Looked for from time to time: a process that has come and
 * gone in between has run the programs all the same, only what it may have held in a map is not freed.
 */
final class ForkedTargets {
    private static final long PERIOD_NANOS = 200_000_000;

    private final Supplier<List<Attachment>> attachments;
    private final Collection collection;
    private Set<Integer> present = Set.of(); // guarded by this, as all below
    private long lookedNanos = System.nanoTime() - PERIOD_NANOS;

    ForkedTargets(Supplier<List<Attachment>> attachments, Collection collection) {
        this.attachments = attachments;
        this.collection = collection;
    }

    /** Those that live, as they were found a moment ago. What others held in {@link BpfMap maps} is freed. */
    synchronized Set<Integer> present() {
        if (System.nanoTime() - lookedNanos >= PERIOD_NANOS) {
            Set<Integer> now = new HashSet<>();
            attachments.get().forEach(attachment -> now.addAll(attachment.heirs()));
            present.stream().filter(pid -> !now.contains(pid)).forEach(collection::targetEnded);
            present = Set.copyOf(now);
            lookedNanos = System.nanoTime();
        }
        return present;
    }
}
