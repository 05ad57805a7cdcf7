package graft.attach;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.OperationLayout;
import graft.platform.layout.StopLayout;
import graft.platform.layout.TracerConstants;
import graft.platform.linux.Errno;
import graft.platform.linux.SysException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the tracer does from the first interrupt to the last detach, as one list: complete before it begins, performed by
 * one native call. When somebody listens to steps, it is performed one by one. Belongs to one tracer thread.
 */
final class Operations {
    private static final String NO_STEP = "";

    private final Target target;
    private final Tracees tracees;
    private final Arena arena;
    private final int capacity;
    private final MemorySegment stop;
    private final MemorySegment operations;
    private final List<String> steps = new ArrayList<>();

    /** @param capacity operations at the most */
    Operations(Target target, Tracees tracees, int capacity) {
        Tracer.prepare();
        this.target = target;
        this.tracees = tracees;
        this.arena = tracees.arena();
        this.capacity = capacity;
        this.stop = arena.allocate(StopLayout.SIZE, 8);
        this.operations = arena.allocate((long) capacity * OperationLayout.SIZE, 8);
        stop.set(JAVA_INT, StopLayout.PID, target.pid());
        stop.set(JAVA_INT, StopLayout.MEMORY, target.memory().descriptor());
        stop.set(JAVA_INT, StopLayout.TASKS, tracees.folder());
        stop.set(JAVA_LONG, StopLayout.OPERATIONS, operations.address());
        stop.set(
                JAVA_LONG,
                StopLayout.SPAN,
                arena.allocate(TracerConstants.SPAN_MAX, 8).address());
    }

    /** Handlers that have interrupted a thread are found by {@code stacks}, a {@code struct graft_stacks}. */
    void lookAtFrames(MemorySegment stacks) {
        stop.set(JAVA_LONG, StopLayout.STACKS, stacks.address());
    }

    /** An operation that failed. */
    record Failure(int code, int errno, int thread, RemoteAddress place) {
        /** The exception for a failure that is nobody's business in particular. */
        RuntimeException exception(int pid) {
            String doing = doing() + " of process " + pid;
            return errno == Errno.ETIMEDOUT
                    ? new DeadlineException(doing + " took too long")
                    : new SysException("tracer operation " + code, errno, doing);
        }

        private String doing() {
            return switch (code) {
                case TracerConstants.OP_STOP_ONE, TracerConstants.OP_STOP_ALL -> "stopping thread " + thread;
                case TracerConstants.OP_CONNECT -> "starting the handover routine";
                case TracerConstants.OP_SEND, TracerConstants.OP_RECEIVE -> "a call by the handover routine";
                case TracerConstants.OP_AWAIT_UNMAPPED -> "ending the handover routine";
                case TracerConstants.OP_WRITE,
                        TracerConstants.OP_VERIFY,
                        TracerConstants.OP_LEAVE,
                        TracerConstants.OP_RESTORE -> "accessing memory at " + place;
                default -> "changing a thread";
            };
        }
    }

    /** Memory that lives as long as the operations. */
    Arena arena() {
        return arena;
    }

    /** A copy of {@code bytes} for an operation. */
    MemorySegment bytes(byte[] bytes) {
        return arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, bytes);
    }

    /** Appends an operation that is no step of its own. @return its number */
    int add(int code, long... arguments) {
        return addStep(NO_STEP, code, arguments);
    }

    /** Appends an operation. @param step what the listener is told @return its number */
    int addStep(String step, int code, long... arguments) {
        int number = steps.size();
        if (number == capacity) {
            throw new AssertionError("more than " + capacity + " operations");
        }
        MemorySegment operation = operation(number);
        operation.set(JAVA_INT, OperationLayout.CODE, code);
        for (int i = 0; i < arguments.length; i++) {
            operation.set(JAVA_LONG, OperationLayout.A + i * 8L, arguments[i]);
        }
        operation.set(JAVA_LONG, OperationLayout.RESULT, -1);
        steps.add(step);
        return number;
    }

    /** The operation is left out when {@code thread} is not in the hole. */
    void onlyInside(int number, TracedThread thread, Hole hole) {
        MemorySegment operation = operation(number);
        operation.set(JAVA_LONG, OperationLayout.THREAD, thread.address());
        operation.set(JAVA_LONG, OperationLayout.START, hole.address().value());
        operation.set(JAVA_LONG, OperationLayout.END, hole.address().value() + Hole.SIZE);
    }

    /** Where the operation is, for others that use its result. */
    long address(int number) {
        return operation(number).address();
    }

    /** What the operation gave; -1 when it was not performed. */
    long result(int number) {
        return operation(number).get(JAVA_LONG, OperationLayout.RESULT);
    }

    private MemorySegment operation(int number) {
        return operations.asSlice((long) number * OperationLayout.SIZE, OperationLayout.SIZE);
    }

    /** Nanoseconds from the first interrupt to the last detach. */
    long heldNanos() {
        return stop.get(JAVA_LONG, StopLayout.ENDED) - stop.get(JAVA_LONG, StopLayout.BEGAN);
    }

    /** The same from the first interrupt of {@code earlier}, when that was performed. */
    long heldNanosSince(Operations earlier) {
        long began = earlier.stop.get(JAVA_LONG, StopLayout.BEGAN);
        return began == 0 ? heldNanos() : stop.get(JAVA_LONG, StopLayout.ENDED) - began;
    }

    /** Performs all in order. @return the one that failed; those behind it were not performed */
    Optional<Failure> perform(long deadline) {
        stop.set(JAVA_LONG, StopLayout.DEADLINE, deadline);
        if (target.steps() == StepListener.NONE) {
            return performUntil(steps.size(), deadline);
        }
        for (int i = 0; i < steps.size(); i++) {
            if (!steps.get(i).equals(NO_STEP)) {
                target.steps().before(steps.get(i));
            }
            Optional<Failure> failure = performUntil(i + 1, deadline);
            if (failure.isPresent()) {
                return failure;
            }
        }
        return Optional.empty();
    }

    /** The same, for callers to whom every failure is an exception. */
    void performAll(long deadline) {
        Optional<Failure> failure = perform(deadline);
        if (failure.isPresent()) {
            throw failure.get().exception(target.pid());
        }
    }

    private Optional<Failure> performUntil(int count, long deadline) {
        stop.set(JAVA_INT, StopLayout.COUNT, count);
        while (true) {
            tracees.list(stop);
            long result = Tracer.run(stop);
            if (result == 0) {
                return Optional.empty();
            }
            if (result < 0) {
                return Optional.of(failure((int) -result));
            }
            // Threads that were created meanwhile. What cannot be seized has ended, though it is listed still.
            if (!tracees.seizeNew()) {
                stop.set(JAVA_INT, StopLayout.NEXT, stop.get(JAVA_INT, StopLayout.NEXT) + 1);
            } else if (System.nanoTime() - deadline > 0) {
                return Optional.of(failure(Errno.ETIMEDOUT));
            }
        }
    }

    private Failure failure(int errno) {
        MemorySegment failed = operation(stop.get(JAVA_INT, StopLayout.NEXT));
        return new Failure(
                failed.get(JAVA_INT, OperationLayout.CODE),
                errno,
                stop.get(JAVA_INT, StopLayout.CULPRIT),
                new RemoteAddress(stop.get(JAVA_LONG, StopLayout.PLACE)));
    }
}
