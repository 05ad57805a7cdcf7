package graft.attach;

import graft.attach.UndoRecord.Kind;
import graft.attach.UndoRecord.Range;
import graft.platform.layout.PoolConstants;
import graft.platform.proc.ProcessStatus;
import graft.platform.proc.ProcessTimer;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Cancellations that the agent has put off: each is a timer of the target, whose signal the library's handler does not take for
 * one, and the place that made it one is no longer patched. The target sends each of them itself, as it was sent first.
 */
final class Cancellations {
    private static final long SYS_TIMER_DELETE = 226;
    private static final long SYS_TGKILL = 234;

    private Cancellations() {}

    /**
     * What the target has to call, when no thread can put off another one. The signal comes before the timer goes: who is killed
     * in between has lost none, and a signal more finds a thread that is cancelled already.
     */
    static List<Handover.Request> pending(int pid, List<Range> ranges) {
        return ProcessTimer.of(pid).stream()
                .filter(timer -> isOfPool(timer, ranges))
                .flatMap(timer -> Stream.of(
                        call(SYS_TGKILL, own(pid), own(timer.thread()), timer.signal()),
                        call(SYS_TIMER_DELETE, timer.id(), 0, 0)))
                .toList();
    }

    private static boolean isOfPool(ProcessTimer timer, List<Range> ranges) {
        long named = timer.value() & (1L << PoolConstants.CANCEL_TRIES_SHIFT) - 1 & ~PoolConstants.CANCEL_SENDER_MASK;
        long pool = named >>> PoolConstants.CANCEL_POOL_SHIFT;
        return ranges.stream()
                .anyMatch(range -> range.kind() == Kind.POOL && range.address().value() == pool);
    }

    /** The number that a thread has where it runs; one that has ended gets no signal. */
    private static long own(int tid) {
        return ProcessStatus.find(tid)
                .map(status -> (long) status.namespacePids().getLast())
                .orElse((long) tid);
    }

    private static Handover.Request call(long number, long first, long second, long third) {
        return new Handover.Request(number, List.of(first, second, third, 0L, 0L, 0L), OptionalInt.empty());
    }
}
