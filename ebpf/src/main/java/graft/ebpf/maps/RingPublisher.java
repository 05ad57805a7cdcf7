package graft.ebpf.maps;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A ring's records for one subscriber at a time, each a copy that is the subscriber's. What it does not ask for stays in the ring, and
 * what then finds no room there is counted as lost by the ring. Records are taken and handed over by a thread of the
 * subscription, one after another; {@link #close} completes it and comes before the ring's.
 */
public final class RingPublisher implements Flow.Publisher<byte[]>, AutoCloseable {
    private static final Duration LONGEST_SLEEP = Duration.ofMillis(100);

    private final RingBufferReader reader;
    private final AtomicReference<RingSubscription> current = new AtomicReference<>();

    RingPublisher(RingBufferReader reader) {
        this.reader = reader;
    }

    /** A second subscriber beside one that has not cancelled gets an {@link IllegalStateException}. */
    @Override
    public void subscribe(Flow.Subscriber<? super byte[]> subscriber) {
        RingSubscription subscription = new RingSubscription(Objects.requireNonNull(subscriber));
        if (current.compareAndSet(null, subscription)) {
            subscription.thread.start();
        } else {
            subscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long records) {}

                @Override
                public void cancel() {}
            });
            subscriber.onError(new IllegalStateException("the ring has a subscriber, and only one at a time"));
        }
    }

    /** Completes the subscription, if there is one, and waits until its thread has ended. */
    @Override
    public void close() {
        RingSubscription subscription = current.get();
        if (subscription != null) {
            subscription.end(End.COMPLETED);
            if (Thread.currentThread() != subscription.thread) {
                Threads.join(subscription.thread);
            }
        }
    }

    /** Why a subscription ends. */
    private enum End {
        CANCELLED,
        COMPLETED,
        WRONG_REQUEST
    }

    private final class RingSubscription implements Flow.Subscription {
        private final Flow.Subscriber<? super byte[]> subscriber;
        private final AtomicLong wanted = new AtomicLong();
        private final AtomicReference<End> end = new AtomicReference<>();
        private final Thread thread =
                Thread.ofPlatform().daemon().name("ring publisher").unstarted(this::run);

        private RingSubscription(Flow.Subscriber<? super byte[]> subscriber) {
            this.subscriber = subscriber;
        }

        @Override
        public void request(long records) {
            if (records <= 0) {
                end(End.WRONG_REQUEST);
            } else {
                wanted.accumulateAndGet(records, (now, more) -> now + more < 0 ? Long.MAX_VALUE : now + more);
                LockSupport.unpark(thread);
            }
        }

        @Override
        public void cancel() {
            end(End.CANCELLED);
        }

        private void end(End why) {
            if (end.compareAndSet(null, why) && Thread.currentThread() != thread) {
                LockSupport.unpark(thread);
                reader.wake();
            }
        }

        private void run() {
            Optional<Throwable> failure = Optional.empty();
            try {
                subscriber.onSubscribe(this);
                handOver();
            } catch (DamagedMapException damaged) {
                failure = Optional.of(damaged);
            } finally {
                current.set(null);
            }
            switch (end.get()) {
                case CANCELLED -> {}
                case COMPLETED -> subscriber.onComplete();
                case WRONG_REQUEST ->
                    subscriber.onError(new IllegalArgumentException("a request for no records (Flow, rule 3.9)"));
                case null -> failure.ifPresent(subscriber::onError);
            }
        }

        /** One by one, so that a subscriber that cancels leaves the others in the ring. Its room is free before a record is handed over. */
        private void handOver() {
            RingRecords records = new RingRecords(reader, LONGEST_SLEEP);
            while (end.get() == null) {
                if (wanted.get() == 0) {
                    LockSupport.park(this);
                } else if (records.hasNext()) {
                    next(records.next());
                }
            }
        }

        private void next(byte[] record) {
            wanted.getAndUpdate(now -> now == Long.MAX_VALUE ? now : now - 1);
            subscriber.onNext(record);
        }
    }
}
