package graft.cli;

import graft.attach.DetachProof;
import graft.cli.output.Footer;
import graft.cli.output.Quantity;
import graft.daemon.KernelSession;
import graft.daemon.Prints;
import graft.daemon.Session;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.PerfBuffers;
import graft.ebpf.maps.RingBuffer;
import graft.ebpf.maps.RingLosses;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a session has done and what its undo proved, as its {@link Footer}. */
final class SessionFooter {
    private SessionFooter() {}

    /** Undoes the session if that has not happened. */
    static Footer of(LiveSession live) {
        Session session = live.session();
        List<DetachProof> proofs = session.detach();
        return new Footer(
                Duration.ofNanos(session.ageNanos()),
                session.links() + live.kernel().map(KernelSession::links).orElse(0),
                session.pids().size(),
                events(session),
                Prints.of(session.collection())
                        .map(prints -> new Footer.Events(prints.delivered(), byCause(List.of(prints.losses())))),
                new Footer.Missed(
                        session.missed().returns(),
                        session.missed().runs(),
                        session.missed().locks(),
                        session.collection().timersGivenUp(),
                        session.collection().timerFault()),
                Optional.of(undone(proofs)));
    }

    private static Optional<Footer.Events> events(Session session) {
        long delivered = 0;
        List<RingLosses> losses = new ArrayList<>();
        for (BpfMap map : session.collection().maps()) {
            if (map instanceof RingBuffer ring && MapReporter.isForPeople(ring.spec())) {
                delivered += ring.reader().delivered();
                losses.add(ring.losses());
            }
            if (map instanceof PerfBuffers buffers) {
                delivered += buffers.reader().delivered();
                losses.add(buffers.losses());
            }
        }
        return losses.isEmpty() ? Optional.empty() : Optional.of(new Footer.Events(delivered, byCause(losses)));
    }

    private static Map<String, Long> byCause(List<RingLosses> all) {
        Map<String, Long> lost = new LinkedHashMap<>();
        for (RingLosses losses : all) {
            lost.merge("ring full", losses.full(), Long::sum);
            lost.merge("ring busy", losses.busy(), Long::sum);
            lost.merge("reentered", losses.reentered(), Long::sum);
            lost.merge("writer died", losses.dead(), Long::sum);
        }
        return lost;
    }

    private static Footer.Undone undone(List<DetachProof> proofs) {
        boolean proven = proofs.stream()
                .allMatch(proof -> proof.outcome() == DetachProof.Outcome.TARGET_GONE || isProven(proof));
        List<String> words = new ArrayList<>();
        if (proofs.stream().allMatch(DetachProof::clean)) {
            words.add("text equals the files");
            words.add("nothing left behind");
        }
        for (DetachProof proof : proofs) {
            long others =
                    proof.pages().stream().filter(page -> !page.matchesFile()).count();
            if (others > 0) {
                words.add((others == 1 ? "a page has" : others + " pages have") + " changes that are not ours");
            }
            proof.quarantined()
                    .forEach(left -> words.add("%s left at %s (%s)"
                            .formatted(Quantity.bytes(left.size()), left.address(), left.reason())));
            words.addAll(proof.notes());
        }
        int heirs = proofs.stream().mapToInt(DetachProof::heirs).sum();
        if (heirs > 0) {
            words.add(heirs == 1 ? "a forked process, too" : heirs + " forked processes, too");
        }
        if (proofs.stream().anyMatch(proof -> proof.outcome() == DetachProof.Outcome.TARGET_GONE)) {
            words.add("a process has ended");
        }
        return new Footer.Undone(
                proofs.stream().mapToInt(DetachProof::restored).sum(),
                proofs.stream().mapToInt(DetachProof::sites).sum(),
                proven ? Footer.Proven.YES : Footer.Proven.NO,
                words.stream().distinct().toList());
    }

    /**
     * Our places hold what the file holds. Memory that stays until a thread has left it, and what others have changed on
     * the same pages, are said and are no failure of the proof.
     */
    private static boolean isProven(DetachProof proof) {
        return proof.outcome() == DetachProof.Outcome.RESTORED && proof.restored() == proof.sites();
    }
}
