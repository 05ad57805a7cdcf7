package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.address.RemoteAddress;
import graft.platform.linux.PacketSocket;
import graft.platform.linux.Pidfd;
import graft.platform.linux.ProcMem;
import graft.platform.linux.ProcessVm;
import graft.platform.linux.Ptrace;
import graft.platform.linux.Sched;
import graft.platform.linux.SysException;
import graft.platform.linux.UserRegs;
import graft.platform.proc.ProcessStat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalInt;

/**
 * Lets the leader of a target run the handover routine: system calls of the target, asked for over a socket. The order
 * of a handover is {@link #begin}, {@link #run}, {@link #finish}, then, with the leader stopped again,
 * {@link #putBack}.
 */
final class Handover implements AutoCloseable {
    private static final long PAUSE_NANOS = 10_000;
    private static final int WINDOW = 32;
    private static final int PAUSES_A_LOOK = 100;

    private final int pid;
    private final TracedThread leader;
    private final ProcMem memory;
    private final Hole hole;
    private final RemoteAddress scratch;
    private final StepListener steps;
    private final Priority priority;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment original = arena.allocate(UserRegs.SIZE, 8);
    private final MemorySegment mask = arena.allocate(8, 8);
    private final MemorySegment page = arena.allocate(24, 8);
    private final MemorySegment request = arena.allocate(HandoverRoutine.REQUEST_BYTES, 8);
    private PacketSocket socket;
    private int pauses;

    Handover(Target target, TracedThread leader, Hole hole) {
        this.pid = target.pid();
        this.memory = target.memory();
        this.steps = target.steps();
        this.leader = leader;
        this.priority = Priority.of(leader.tid);
        this.hole = hole;
        this.scratch = ProcMaps.read(pid).freePage();
    }

    /** One system call of the target; {@code passed} replaces the fifth argument by a descriptor of ours. */
    record Request(long number, List<Long> arguments, OptionalInt passed) {}

    /** The leader is stopped: sends it into the routine and takes the other end of its socket. */
    void begin(long deadline) {
        MemorySegment registers = leader.registers;
        MemorySegment.copy(registers, 0, original, 0, UserRegs.SIZE);
        Ptrace.getSigMask(leader.tid, mask);
        long nonce = System.nanoTime() ^ Long.rotateLeft(System.identityHashCode(this), 32) | 1;
        TracedThread.restartByHand(registers);
        byte[] code = HandoverRoutine.emit(
                hole.address(),
                new HandoverRoutine.Values(scratch, nonce, mask.get(JAVA_LONG, 0), priority.former()),
                registers);
        if (code.length > Hole.SIZE) {
            throw new AssertionError("the handover routine has " + code.length + " bytes");
        }
        steps.before("routine-written");
        memory.writeBytes(hole.address(), code);
        UserRegs.RIP.set(registers, hole.address().value());
        UserRegs.ORIG_RAX.set(registers, -1);
        steps.before("thread-redirected");
        leader.writeRegisters();
        // Signals wait until the thread is back; the routine restores the mask when nobody else does.
        steps.before("signals-blocked");
        Ptrace.setSigMask(leader.tid, arena.allocate(8, 8).fill((byte) 0xff));
        steps.before("priority-raised");
        priority.raise();
        steps.before("routine-started");
        leader.resume();
        connect(nonce, deadline);
    }

    private void connect(long nonce, long deadline) {
        while (ProcessVm.read(pid, scratch, page) != page.byteSize()
                || page.get(JAVA_LONG, HandoverRoutine.NONCE) != nonce) {
            pause(deadline, "the handover routine did not start");
        }
        long result = page.get(JAVA_LONG, HandoverRoutine.RESULT);
        if (result < 0) {
            throw new SysException("socketpair", (int) -result, "making a socket in process " + pid);
        }
        steps.before("socket-taken");
        try (var process = Pidfd.open(pid, 0)) {
            socket = new PacketSocket(Pidfd.getfd(process, page.get(JAVA_INT, HandoverRoutine.SOCKETS + 4)));
        }
    }

    /** Performs the calls in order, a window of them under way at once. @return the results */
    long[] run(List<Request> requests, long deadline) {
        long[] results = new long[requests.size()];
        int sent = 0;
        for (int received = 0; received < results.length; received++) {
            while (sent < results.length && sent < received + WINDOW) {
                steps.before("call-sent");
                send(requests.get(sent++));
            }
            long length = socket.receive(page, Math.max(1, deadline - System.nanoTime()));
            if (length != Long.BYTES) {
                throw new DeadlineException("process " + pid + " did not answer a handover call (" + length + ")");
            }
            results[received] = page.get(JAVA_LONG, 0);
        }
        return results;
    }

    private void send(Request call) {
        request.set(JAVA_LONG, 0, call.number());
        for (int i = 0; i < call.arguments().size(); i++) {
            request.set(JAVA_LONG, 8 + i * 8L, call.arguments().get(i));
        }
        socket.send(request, call.passed());
    }

    /** Waits until the routine has closed and unmapped what it made. */
    void finish(long deadline) {
        steps.before("routine-finished");
        if (socket != null) {
            socket.shutdownWrite();
        }
        while (ProcessVm.read(pid, scratch, page) > 0) {
            pause(deadline, "the handover routine did not end");
        }
    }

    private void pause(long deadline, String what) {
        if (System.nanoTime() - deadline > 0) {
            throw new DeadlineException(what + " in process " + pid);
        }
        // Looking at a file takes longer than the routine's calls: it is done now and then.
        if (++pauses % PAUSES_A_LOOK == 0
                && ProcessStat.find(pid).map(stat -> stat.state() == 'Z').orElse(true)) {
            throw new TraceeGoneException(pid, "running the handover routine");
        }
        Sched.nanosleep(PAUSE_NANOS);
    }

    /**
     * The leader is stopped: gives it its registers and mask back, unless it has already gone on alone. The mask comes
     * first: dying in between leaves the thread in the routine, which goes on alone.
     */
    void putBack() {
        if (hole.contains(leader.programCounter())) {
            steps.before("priority-lowered");
            priority.giveBack();
            steps.before("signals-unblocked");
            Ptrace.setSigMask(leader.tid, mask);
            MemorySegment.copy(original, 0, leader.registers, 0, UserRegs.SIZE);
            TracedThread.repair(leader.registers);
            steps.before("thread-put-back");
            leader.writeRegisters();
        }
    }

    /** No thread is in the routine any more: the hole becomes what it was. */
    void fillHole() {
        steps.before("hole-restored");
        memory.writeBytes(hole.address(), hole.oldBytes());
    }

    @Override
    public void close() {
        if (socket != null) {
            socket.close();
        }
        arena.close();
    }
}
