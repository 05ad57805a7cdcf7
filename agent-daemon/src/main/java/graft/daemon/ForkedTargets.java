package graft.daemon;

import graft.attach.Attachment;
import graft.ebpf.maps.BpfMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The processes that targets have forked and that are traced too. Looked for from time to time: a process that has come and
 * gone in between has run the programs all the same, only what it may have held in a map is not freed.
 */
final class ForkedTargets {
    private static final long PERIOD_NANOS = 200_000_000;

    private final Supplier<List<Attachment>> attachments;
    private final Collection collection;
    private final Consumer<Attachment> over;
    private Set<Attachment> perhapsOver = Set.of(); // guarded by this, as all below
    private Set<Integer> present = Set.of();
    private long lookedNanos = System.nanoTime() - PERIOD_NANOS;

    /** @param over is told of targets that have ended, as have all that they forked */
    ForkedTargets(Supplier<List<Attachment>> attachments, Collection collection, Consumer<Attachment> over) {
        this.over = over;
        this.attachments = attachments;
        this.collection = collection;
    }

    /** Those that live, as they were found a moment ago. What others held in {@link BpfMap maps} is freed. */
    synchronized Set<Integer> present() {
        if (System.nanoTime() - lookedNanos >= PERIOD_NANOS) {
            Set<Integer> now = new HashSet<>();
            Set<Integer> targets = new HashSet<>();
            Set<Attachment> deserted = new HashSet<>();
            for (Attachment attachment : attachments.get()) {
                List<Integer> heirs = attachment.heirs();
                now.addAll(heirs);
                if (heirs.isEmpty() && !attachment.isAlive()) {
                    deserted.add(attachment);
                }
                targets.add(attachment.facts().pid()); // perhaps one that has executed another program since
            }
            present.stream()
                    .filter(pid -> !now.contains(pid) && !targets.contains(pid))
                    .forEach(collection::targetEnded);
            present = Set.copyOf(now);
            // A process that forks and ends while it is looked for may be missed once.
            deserted.stream().filter(perhapsOver::contains).forEach(over);
            perhapsOver = deserted;
            lookedNanos = System.nanoTime();
        }
        return present;
    }
}
