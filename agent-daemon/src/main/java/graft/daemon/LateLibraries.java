package graft.daemon;

import graft.attach.DetachProof;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Links whose libraries are not loaded yet. A thread looks whenever a loader rings and has them attached while the thread
 * that loads still waits. What was put in for a library that is unloaded is taken out; when it is loaded again, it is
 * attached to again. {@link #detach} ends the thread and takes the watches back.
 */
final class LateLibraries {
    private static final long PAUSE_NANOS = 1_000_000;
    /** Libraries may be mapped by something else than the loader: looked at without a ring, now and then. */
    private static final int ROUNDS_BETWEEN_LOOKS = 200;

    private final List<Waiting> waiting = new ArrayList<>();
    private final Links session;
    private final Thread thread;
    private volatile boolean ended; // published to the thread by whoever detaches

    /** What the session does when libraries come and go. Called by the thread that looks. */
    interface Links {
        /** Puts links of one library into a process; nothing when that is refused. */
        Optional<LateAttachment> attach(int pid, List<LinkRequest> links);

        /** Takes out what is left of a library that is gone. */
        void detach(LateAttachment gone);
    }

    /** One process. */
    private static final class Waiting {
        private final int pid;
        private final List<LinkRequest.Uprobe> links;
        private final LoaderWatch watch;
        private final Map<Long, Library> libraries = new LinkedHashMap<>(); // by load bias

        private final Set<LinkRequest.Uprobe> never; // guarded by itself
        private long answered;

        Waiting(int pid, List<LinkRequest.Uprobe> links, LoaderWatch watch) {
            this.pid = pid;
            this.links = links;
            this.watch = watch;
            this.never = new LinkedHashSet<>(links);
        }
    }

    /** One that was attached to, or where that was refused. */
    private record Library(Optional<LateAttachment> attachment) {
        boolean isPatched(ProcMem memory) {
            return attachment.filter(patched -> !patched.isPatched(memory)).isEmpty();
        }
    }

    /** A link whose library has not been loaded. */
    record Unloaded(int pid, LinkRequest.Uprobe link) {}

    /**
     * Begins to wait.
     *
     * @param watches one for each process of {@code links}
     */
    LateLibraries(Map<Integer, List<LinkRequest.Uprobe>> links, Map<Integer, LoaderWatch> watches, Links session) {
        this.session = session;
        links.forEach((pid, ofPid) -> waiting.add(new Waiting(pid, ofPid, watches.get(pid))));
        this.thread = Thread.ofPlatform().daemon().name("graft-late").start(this::run);
    }

    private void run() {
        for (int round = 0; !ended; round++) {
            for (Waiting one : waiting) {
                long rung = one.watch.rung();
                if (rung != one.answered || round % ROUNDS_BETWEEN_LOOKS == 0) {
                    look(one);
                    one.answered = rung;
                    one.watch.answer(rung);
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void look(Waiting one) {
        try (ProcMem memory = ProcMem.open(one.pid)) {
            Map<Long, List<LinkRequest>> loaded = loaded(one);
            Iterator<Map.Entry<Long, Library>> known = one.libraries.entrySet().iterator();
            while (known.hasNext()) {
                Map.Entry<Long, Library> library = known.next();
                if (!loaded.containsKey(library.getKey()) || !library.getValue().isPatched(memory)) {
                    known.remove();
                    library.getValue().attachment().ifPresent(session::detach);
                }
            }
            loaded.keySet().removeAll(one.libraries.keySet());
            loaded.forEach((bias, links) -> {
                one.libraries.put(bias, new Library(session.attach(one.pid, links)));
                synchronized (one.never) {
                    links.forEach(one.never::remove);
                }
            });
        } catch (NoSuchProcessException | SysException _) {
            // It has ended, or is about to: whoever waits for that says so.
        }
    }

    /** The links of libraries that are there now, by where they are. */
    private static Map<Long, List<LinkRequest>> loaded(Waiting one) {
        Map<Long, List<LinkRequest>> loaded = new LinkedHashMap<>();
        try (TargetModules modules = TargetModules.of(one.pid)) {
            for (LinkRequest.Uprobe link : one.links) {
                modules.named(link.probe().module())
                        .map(TargetModule::loadBias)
                        .ifPresent(bias -> loaded.computeIfAbsent(bias, _ -> new ArrayList<>())
                                .add(link));
            }
        }
        return loaded;
    }

    /** What has never been loaded so far. */
    List<Unloaded> unloaded() {
        List<Unloaded> all = new ArrayList<>();
        for (Waiting one : waiting) {
            synchronized (one.never) {
                one.never.forEach(link -> all.add(new Unloaded(one.pid, link)));
            }
        }
        return all;
    }

    /** The processes that load them. */
    List<Integer> pids() {
        return waiting.stream().map(one -> one.pid).toList();
    }

    boolean hasLiveTarget() {
        return waiting.stream().anyMatch(one -> one.watch.hasLiveTarget());
    }

    /** Ends the waiting; what was attached stays. */
    List<DetachProof> detach() {
        ended = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        List<DetachProof> proofs = new ArrayList<>();
        waiting.forEach(one -> proofs.addAll(one.watch.detach()));
        waiting.forEach(one -> one.watch.close());
        return proofs;
    }
}
