package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.TracerConstants;
import graft.platform.layout.WordsLayout;
import graft.platform.linux.NativeFd;
import graft.platform.linux.PacketMessage;
import graft.platform.linux.Pidfd;
import graft.platform.linux.Ptrace;
import graft.platform.linux.Unistd;
import graft.platform.linux.UserRegs;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Lets the leader of a target run the handover routine: system calls of the target, asked for over a socket. Everything
 * is prepared by the constructor, before the leader is seized; {@link #perform} holds it, and whatever happens there,
 * {@link #putBack} afterwards leaves it as it was.
 */
final class Handover implements AutoCloseable {
    private static final int OPERATIONS = 24;
    private static final long RESUME_NANOS = 2_000_000_000;

    private final Target target;
    private final Tracees tracees;
    private final TracedThread leader;
    private final Hole hole;
    private final Priority priority;
    private final NativeFd process;
    private final MemorySegment original;
    private final List<Batch> batches = new ArrayList<>();
    private final Operations operations;
    private final int connected;

    /** One system call of the target; {@code passed} replaces the fifth argument by a descriptor of ours. */
    record Request(long number, List<Long> arguments, OptionalInt passed) {}

    /** Requests that go in one packet, which the answer overwrites. */
    private record Batch(int size, MemorySegment packet, MemorySegment header) {}

    Handover(Target target, Tracees tracees, TracedThread leader, Hole hole, List<Request> requests) {
        this.target = target;
        this.tracees = tracees;
        this.leader = leader;
        this.hole = hole;
        this.priority = Priority.of(leader.tid);
        this.process = Pidfd.open(target.pid(), 0);
        Arena arena = tracees.arena();
        this.original = arena.allocate(UserRegs.SIZE, 8);
        for (int from = 0; from < requests.size(); from += HandoverRoutine.BATCH) {
            int to = Math.min(requests.size(), from + HandoverRoutine.BATCH);
            batches.add(batch(arena, requests.subList(from, to), to == requests.size() ? 1 : 0));
        }
        this.operations = new Operations(target, tracees, OPERATIONS + 2 * batches.size());
        this.connected = prepare();
    }

    private static Batch batch(Arena arena, List<Request> requests, int last) {
        MemorySegment packet = arena.allocate((long) requests.size() * HandoverRoutine.REQUEST_BYTES, 8);
        List<Integer> passed = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            Request request = requests.get(i);
            long at = (long) i * HandoverRoutine.REQUEST_BYTES;
            packet.set(JAVA_LONG, at, request.number());
            for (int argument = 0; argument < request.arguments().size(); argument++) {
                long place = at + HandoverRoutine.ARGUMENTS + argument * 8L;
                packet.set(JAVA_LONG, place, request.arguments().get(argument));
            }
            int index = -1;
            if (request.passed().isPresent()) {
                // Several regions show one file: it is passed once.
                index = passed.indexOf(request.passed().getAsInt());
                if (index < 0) {
                    index = passed.size();
                    passed.add(request.passed().getAsInt());
                }
            }
            packet.set(JAVA_INT, at + HandoverRoutine.DESCRIPTOR, index);
            packet.set(JAVA_INT, at + HandoverRoutine.LAST, last);
        }
        return new Batch(requests.size(), packet, PacketMessage.of(arena, packet, passed));
    }

    private int prepare() {
        RemoteAddress scratch = ProcMaps.read(target.pid()).freePage();
        long nonce = System.nanoTime() ^ Long.rotateLeft(System.identityHashCode(this), 32) | 1;
        MemorySegment code = operations.bytes(
                HandoverRoutine.emit(hole.address(), new HandoverRoutine.Values(scratch, nonce, priority.former())));
        if (code.byteSize() > Hole.SIZE) {
            throw new AssertionError("the handover routine has " + code.byteSize() + " bytes");
        }
        long thread = leader.address();
        long words = code.address() + code.byteSize() - WordsLayout.SIZE;
        operations.addStep("leader-stopped", TracerConstants.OP_STOP_ONE, thread);
        operations.add(TracerConstants.OP_REQUIRE_64, thread);
        operations.add(TracerConstants.OP_BORROW, thread, original.address(), words);
        write("routine-written", code);
        operations.addStep(
                "thread-redirected",
                TracerConstants.OP_REDIRECT,
                thread,
                hole.address().value());
        // Signals wait until the thread is back; the routine restores the mask when nobody else does.
        long all = tracees.arena().allocate(8, 8).fill((byte) 0xff).address();
        operations.addStep("signals-blocked", TracerConstants.OP_SIGNAL_MASK, thread, all);
        if (priority.former().isPresent()) {
            operations.addStep(
                    "priority-raised", TracerConstants.OP_POLICY, leader.tid, priority.raised(), Priority.RAISED);
        }
        operations.addStep("routine-started", TracerConstants.OP_RESUME, thread);
        int connecting = operations.addStep(
                "socket-taken", TracerConstants.OP_CONNECT, scratch.value(), nonce, process.number());
        for (Batch batch : batches) {
            long socket = operations.address(connecting);
            operations.addStep(
                    "calls-sent",
                    TracerConstants.OP_SEND,
                    socket,
                    batch.header().address());
            operations.add(
                    TracerConstants.OP_RECEIVE,
                    socket,
                    batch.packet().address(),
                    batch.packet().byteSize());
        }
        operations.addStep("routine-finished", TracerConstants.OP_AWAIT_UNMAPPED, scratch.value());
        operations.add(TracerConstants.OP_STOP_ONE, thread);
        prepareReturn();
        return connecting;
    }

    /**
     * The leader gets its policy, mask and registers back, unless it has already gone on alone. The registers come last:
     * dying before leaves the thread in the routine, which goes on alone.
     */
    private void prepareReturn() {
        long thread = leader.address();
        if (priority.former().isPresent()) {
            int former = priority.former().getAsInt();
            onlyInside(operations.addStep("priority-lowered", TracerConstants.OP_POLICY, leader.tid, former, 0));
        }
        long mask = leader.mask().address();
        onlyInside(operations.addStep("signals-unblocked", TracerConstants.OP_SIGNAL_MASK, thread, mask));
        onlyInside(operations.addStep("thread-put-back", TracerConstants.OP_GIVE_BACK, thread, original.address()));
        write("hole-restored", operations.bytes(hole.oldBytes()));
        operations.addStep("leader-resumed", TracerConstants.OP_DETACH_ALL);
    }

    private void onlyInside(int operation) {
        operations.onlyInside(operation, leader, hole);
    }

    private void write(String step, MemorySegment bytes) {
        operations.addStep(step, TracerConstants.OP_WRITE, hole.address().value(), bytes.address(), bytes.byteSize());
    }

    /** The leader is seized: holds it, performs the calls, lets it go. @return what failed, with the leader still held */
    Optional<Operations.Failure> perform(long deadline) {
        return operations.perform(deadline);
    }

    /** What the calls gave, in their order, after a {@link #perform} without failure. */
    long[] results() {
        long[] results = new long[batches.stream().mapToInt(Batch::size).sum()];
        int done = 0;
        for (Batch batch : batches) {
            for (int i = 0; i < batch.size(); i++) {
                results[done++] = batch.packet().get(JAVA_LONG, (long) i * HandoverRoutine.REQUEST_BYTES);
            }
        }
        return results;
    }

    /** Nanoseconds for which the leader was away. */
    long heldNanos() {
        return operations.heldNanos();
    }

    /** After a failure: lets the leader go on as it was, and the hole become what it was. */
    void putBack() {
        if (leader.state() != TracedThread.State.STOPPED) {
            tracees.stop(leader, System.nanoTime() + RESUME_NANOS);
        }
        if (hole.contains(leader.programCounter())) {
            target.steps().before("priority-lowered");
            priority.giveBack();
            target.steps().before("signals-unblocked");
            Ptrace.setSigMask(leader.tid, leader.mask());
            MemorySegment.copy(original, 0, leader.registers, 0, UserRegs.SIZE);
            TracedThread.repair(leader.registers);
            target.steps().before("thread-put-back");
            leader.writeRegisters();
        }
        target.steps().before("hole-restored");
        target.memory().writeBytes(hole.address(), hole.oldBytes());
        target.steps().before("leader-resumed");
        tracees.detachAll();
    }

    @Override
    public void close() {
        process.close();
        long socket = operations.result(connected);
        if (socket >= 0) {
            Unistd.close((int) socket);
        }
    }
}
