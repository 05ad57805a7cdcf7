package graft.cli.policy;

import graft.daemon.LinkRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a rule does to a call beside its action.
 *
 * @param before how long the thread waits before the call
 * @param behind how long it waits behind the call
 * @param signal that is pending for the thread when the call begins
 * @param instead the number of a call without effect that is made when the call is not
 * @param pokes what is written to memory of its arguments
 */
public record Disturbance(
        Duration before, Duration behind, Optional<Signal> signal, OptionalInt instead, List<Poke> pokes) {
    /** Nothing. */
    public static final Disturbance NONE =
            new Disturbance(Duration.ZERO, Duration.ZERO, Optional.empty(), OptionalInt.empty(), List.of());

    private static final int BYTES = 40;
    private static final int GETPID = 39;

    public Disturbance {
        pokes = List.copyOf(pokes);
    }

    /** A signal and its kernel number. */
    public record Signal(String name, int number) {}

    /** Only a signal. */
    static Disturbance with(Signal signal) {
        return new Disturbance(Duration.ZERO, Duration.ZERO, Optional.of(signal), OptionalInt.empty(), List.of());
    }

    /** Whether something has to be done behind the call. */
    boolean endsBehind() {
        return !behind.isZero() || pokes.stream().anyMatch(poke -> poke.edge() == LinkRequest.Edge.EXIT);
    }

    /** {@code struct disturbance} of {@code rules.h}. */
    byte[] bytes() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(before.toNanos())
                .putLong(behind.toNanos())
                .putInt(signal.map(Signal::number).orElse(0))
                .putInt(instead.isPresent() ? 1 : 0)
                .putLong(instead.orElse(GETPID))
                .putInt(pokes.size())
                .putInt(endsBehind() ? 1 : 0)
                .array();
    }

    /** As policies write it. */
    List<String> texts() {
        List<String> texts = new ArrayList<>();
        signal.ifPresent(sent -> texts.add("signal " + sent.name()));
        if (!before.isZero()) {
            texts.add("delay " + before.toNanos() + " ns");
        }
        if (!behind.isZero()) {
            texts.add("delay " + behind.toNanos() + " ns behind it");
        }
        pokes.forEach(poke -> texts.add("poke argument " + (poke.argument() + 1)));
        return texts;
    }
}
