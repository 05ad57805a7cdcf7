package graft.daemon;

import graft.attach.NextProgram;
import graft.attach.ProgramHold;
import graft.daemon.image.ModuleSites;
import graft.daemon.image.SyscallScope;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hooks the system calls of what comes later: of files that a process maps as code, and of programs that followed processes
 * execute. A thread looks who has rung ({@link SyscallWatch}); whoever rang waits meanwhile, but not for ever. One process
 * is attached to at a time.
 */
final class SyscallFollower {
    private static final long END_SECONDS = 10;

    private final SyscallWatch watch;
    private final Targets targets;
    private final ExecutorService workers =
            Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("graft-follow-", 0)::unstarted);
    private final Map<Integer, Execution> executions = new ConcurrentHashMap<>(); // by thread
    private final AtomicInteger inFlight = new AtomicInteger();
    private final Object turn = new Object(); // one attach after the other
    private final Set<String> withoutCalls = new HashSet<>(); // files, by device and inode; guarded by turn
    private final Set<Tried> tried = new HashSet<>(); // guarded by turn
    private final List<Late> late = new CopyOnWriteArrayList<>(); // changed by whoever has the turn
    private final Thread thread;
    private volatile boolean ended; // published to all threads by whoever closes

    /** What the session does. Called by whoever has the turn. */
    interface Targets {
        /** Puts programs into a process; nothing when that is refused. */
        Optional<LateAttachment> attach(int pid, SyscallScope scope);

        /** Takes out what is left of a file that is not mapped any more. */
        void detach(LateAttachment gone);

        /** A process has another program from now on. */
        void executed(Executed executed);

        /** A process could not be followed. */
        void lost(int pid, String why);
    }

    /** One that is under way. */
    private static final class Execution {
        private Optional<SyscallWatch.Ring> failed = Optional.empty(); // guarded by this, as below
        private boolean over;

        synchronized boolean hasFailed() {
            return failed.isPresent();
        }

        /** Whether somebody still waits for that. */
        synchronized boolean failed(SyscallWatch.Ring ring) {
            failed = Optional.of(ring);
            return !over;
        }

        synchronized Optional<SyscallWatch.Ring> over() {
            over = true;
            return failed;
        }
    }

    /** A file in a process where nothing could be hooked. */
    private record Tried(int pid, MemoryMapping text) {}

    /** What was put in late. */
    private record Late(int pid, LateAttachment attachment) {}

    SyscallFollower(SyscallWatch watch, Targets targets) {
        this.watch = watch;
        this.targets = targets;
        this.thread = Thread.ofPlatform().daemon().name("graft-follow").start(this::run);
    }

    private void run() {
        while (!ended) {
            List<SyscallWatch.Ring> rings = watch.rings();
            rings.forEach(this::handle);
            if (rings.isEmpty()) {
                watch.await();
            }
        }
    }

    private void handle(SyscallWatch.Ring ring) {
        switch (ring.event()) {
            case EXECUTES -> {
                Execution execution = new Execution();
                executions.put(ring.tid(), execution);
                work(() -> execute(ring, execution));
            }
            case EXECUTED_NOTHING -> {
                Execution execution = executions.get(ring.tid());
                if (execution == null || !execution.failed(ring)) {
                    watch.answer(ring);
                }
            }
            case MAPPED ->
                work(() -> {
                    try {
                        look(ring.pid());
                    } finally {
                        watch.answer(ring);
                    }
                });
        }
    }

    private void work(Runnable task) {
        inFlight.incrementAndGet();
        workers.execute(() -> {
            try {
                task.run();
            } finally {
                inFlight.decrementAndGet();
            }
        });
    }

    private void execute(SyscallWatch.Ring ring, Execution execution) {
        try {
            NextProgram next = NextProgram.await(ring.pid(), ring.tid(), new NextProgram.Thread() {
                @Override
                public void mayExecute() {
                    watch.answer(ring);
                }

                @Override
                public boolean hasFailed() {
                    return ended || execution.hasFailed();
                }
            });
            switch (next) {
                case NextProgram.Held(var hold) -> begin(ring, hold);
                case NextProgram.Runs(var pid) -> {
                    executed(ring);
                    targets.lost(pid, "its first calls are missing: it could not be held when it was executed");
                    attach(pid);
                }
                case NextProgram.NotTraced(var reason) -> targets.lost(ring.pid(), reason);
                case NextProgram.Failed _, NextProgram.Ended _ -> {
                    // the process is as before, or there is none any more
                }
            }
        } finally {
            executions.remove(ring.tid(), execution);
            execution.over().ifPresent(watch::answer);
            watch.answer(ring);
        }
    }

    private void begin(SyscallWatch.Ring ring, ProgramHold hold) {
        try {
            executed(ring);
            attach(hold.pid());
        } finally {
            release(hold);
        }
    }

    private static void release(ProgramHold hold) {
        try {
            hold.release();
        } catch (RuntimeException gone) {
            // It has ended; if not, it begins by itself.
        }
    }

    private void executed(SyscallWatch.Ring ring) {
        Executed executed = new Executed(ring.pid(), ring.tid(), System.nanoTime());
        synchronized (turn) {
            targets.executed(executed);
        }
    }

    private void attach(int pid) {
        synchronized (turn) {
            if (!ended) {
                attach(pid, SyscallScope.everywhere(SessionRequest.OnMissing.WAIT));
            }
        }
    }

    private void attach(int pid, SyscallScope scope) {
        targets.attach(pid, scope).ifPresent(attachment -> late.add(new Late(pid, attachment)));
    }

    /** Hooks what a process has mapped meanwhile, and lets go of what it has not any more. */
    void look(int pid) {
        synchronized (turn) {
            if (ended) {
                return;
            }
            try (TargetModules modules = TargetModules.of(pid);
                    ProcMem memory = ProcMem.open(pid)) {
                forgetUnmapped(pid, memory);
                List<TargetModule> free = free(modules, memory);
                if (!free.isEmpty()) {
                    Set<String> paths = new HashSet<>();
                    free.forEach(module -> paths.add(module.path()));
                    attach(pid, new SyscallScope(paths::contains, SessionRequest.OnMissing.WAIT));
                    free.stream()
                            .filter(module -> ModuleSites.areFree(module, memory))
                            .forEach(module ->
                                    tried.add(new Tried(pid, module.text().getFirst())));
                }
            } catch (NoSuchProcessException | SysException _) {
                // It has ended, or is about to: whoever waits for that says so.
            }
        }
    }

    private List<TargetModule> free(TargetModules modules, ProcMem memory) {
        List<TargetModule> free = new ArrayList<>();
        for (MemoryMapping text : modules.maps().mappings()) {
            String file = text.device() + " " + text.inode();
            if (text.isFile()
                    && text.isExecutable()
                    && !withoutCalls.contains(file)
                    && !tried.contains(new Tried(modules.pid(), text))) {
                Optional<TargetModule> module = modules.holding(text.start());
                if (module.filter(ModuleSites::makesNone).isPresent()) {
                    withoutCalls.add(file);
                }
                module.filter(one -> !free.contains(one))
                        .filter(one -> ModuleSites.areFree(one, memory))
                        .ifPresent(free::add);
            }
        }
        return free;
    }

    private void forgetUnmapped(int pid, ProcMem memory) {
        for (Late one : late) {
            if (one.pid() == pid && !one.attachment().isPatched(memory)) {
                late.remove(one);
                if (one.attachment().attachment().isAlive()) {
                    targets.detach(one.attachment());
                }
            }
        }
    }

    /** Whether a program is just being executed or attached to. */
    boolean isBusy() {
        return inFlight.get() > 0;
    }

    /** Ends the following; what was attached stays. Whoever waits goes on. */
    void close() {
        ended = true;
        watch.wake();
        watch.answerAll();
        workers.shutdown();
        try {
            thread.join();
            workers.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        watch.answerAll();
    }
}
