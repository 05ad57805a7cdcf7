package graft.daemon.timer;

import graft.ebpf.interp.Interpreter;
import graft.ebpf.interp.ProgramFault;
import graft.ebpf.maps.BpfMap;
import graft.ebpf.maps.DamagedMapException;
import graft.ebpf.maps.MapTimers;
import graft.ebpf.maps.Threads;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Runs the functions of a session's timers when they are due. A thread for each map that has timers waits for the next one, or for
 * a process to start one; functions run one at a time, as one that cancels waits for no other then. Closed before the maps are.
 */
public final class TimerService implements AutoCloseable {
    /** As many instructions as a function runs at most. Others wait meanwhile. */
    public static final int LONGEST = 1 << 22;

    /** A process under a filter of system calls cannot wake the thread, and a clock that goes on while the machine sleeps is not waited for. */
    private static final long LONGEST_NAP_NANOS = 100_000_000;

    private final TimerFunctions functions;
    private final MapTimers.Now now;
    private final FunctionEnvironment environment; // guarded by this
    private final Map<String, Interpreter> programs = new HashMap<>(); // guarded by this
    private final List<Thread> threads;
    private final List<MapTimers> timers;
    private Faults faults = Faults.NONE; // guarded by this
    private volatile boolean ended; // published to the threads by whoever closes

    /**
     * Functions that were given up.
     *
     * @param count how often
     * @param first what the first one did
     */
    public record Faults(long count, String first) {
        /** None. */
        public static final Faults NONE = new Faults(0, "");
    }

    private TimerService(TimerFunctions functions, Map<String, BpfMap> maps, MapTimers.Now now) {
        this.functions = functions;
        this.now = now;
        this.environment = new FunctionEnvironment(maps, now);
        Map<String, MapTimers> timed = new HashMap<>();
        maps.forEach((name, map) -> MapTimers.of(map).ifPresent(one -> timed.put(name, one)));
        this.timers = List.copyOf(timed.values());
        this.threads = timed.entrySet().stream()
                .map(one -> Thread.ofPlatform()
                        .daemon()
                        .name("graft-timers-" + one.getKey())
                        .unstarted(() -> run(one.getKey(), one.getValue())))
                .toList();
    }

    /**
     * Starts it for the maps of a session that have timers.
     *
     * @param maps by name, borrowed
     */
    public static TimerService start(TimerFunctions functions, Map<String, BpfMap> maps) {
        TimerService service = new TimerService(functions, maps, new KernelClocks());
        service.threads.forEach(Thread::start);
        return service;
    }

    private void run(String map, MapTimers of) {
        TimerQueue queue = new TimerQueue();
        while (!ended) {
            look(of, queue);
            OptionalInt due = queue.takeDue(now);
            while (due.isPresent() && !ended) {
                perform(map, of, queue, due.getAsInt());
                look(of, queue);
                due = queue.takeDue(now);
            }
            long nanos = queue.nanosToNext(now, LONGEST_NAP_NANOS);
            if (nanos > 0 && !ended) {
                of.await(nanos);
            }
        }
    }

    private static void look(MapTimers of, TimerQueue queue) {
        of.takeStarted(number -> of.see(number).ifPresent(due -> queue.put(number, due)));
    }

    /** It may have been cancelled, or started again for later, since it was put into the queue. */
    private void perform(String map, MapTimers of, TimerQueue queue, int number) {
        Optional<MapTimers.Due> due = of.see(number);
        if (due.isEmpty()) {
            return;
        }
        long time = now.of(due.get().clock());
        if (due.get().nanos() > time) {
            queue.put(number, due.get());
            return;
        }
        OptionalInt function = of.begin(number, time);
        if (function.isPresent()) {
            try {
                call(function.getAsInt(), map, number);
            } catch (ProgramFault | DamagedMapException fault) {
                of.giveUp(number);
                count(map, fault.getMessage());
            } finally {
                of.end(number);
            }
        }
    }

    private synchronized void call(int number, String map, int timer) {
        TimerFunctions.Function function = functions.get(number);
        environment.enter(function);
        Interpreter program = programs.computeIfAbsent(
                function.program().name(),
                _ -> new Interpreter(function.program().insns(), environment.memory(), environment));
        try {
            program.run(function.slot(), FunctionMemory.STACK_END, LONGEST, environment.arguments(map, timer));
        } finally {
            environment.abandon(); // nothing, as a rule
        }
    }

    private synchronized void count(String map, String what) {
        faults = new Faults(faults.count() + 1, faults.count() == 0 ? "map " + map + ": " + what : faults.first());
    }

    /** The functions that were given up so far. */
    public synchronized Faults faults() {
        return faults;
    }

    /** No function runs any more. One that runs now is waited for. */
    @Override
    public void close() {
        ended = true;
        timers.forEach(MapTimers::ring);
        threads.forEach(Threads::join);
    }
}
