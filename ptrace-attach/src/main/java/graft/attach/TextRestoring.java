package graft.attach;

import graft.platform.layout.TracerConstants;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The operations of one stop that take our bytes out of the text, and what became of them. */
final class TextRestoring {
    private final List<TextSpan> spans;
    private final List<Hop> hops;
    private final List<Integer> numbers = new ArrayList<>();

    TextRestoring(List<TextSpan> spans) {
        this.spans = List.copyOf(spans);
        this.hops =
                Hop.among(spans.stream().flatMap(span -> span.sites().stream()).toList());
    }

    /** How many operations {@link #prepare} adds. */
    int operations() {
        return hops.size() + spans.size();
    }

    /** Behind the operation that stops all threads. */
    void prepare(Operations operations) {
        for (Hop hop : hops) {
            MemorySegment jump = operations.bytes(hop.jump().bytes());
            operations.addStep(
                    "hop-left",
                    TracerConstants.OP_LEAVE,
                    hop.address().value(),
                    jump.address(),
                    jump.byteSize(),
                    hop.from().value());
        }
        for (TextSpan span : spans) {
            MemorySegment original = operations.bytes(span.original());
            MemorySegment ours = operations.bytes(span.ours());
            numbers.add(operations.addStep(
                    "text-restored",
                    TracerConstants.OP_RESTORE,
                    span.address().value(),
                    original.address(),
                    ours.address(),
                    original.byteSize()));
        }
    }

    /**
     * What was reached.
     *
     * @param restored sites
     * @param left sites whose span was not as expected, each for itself
     * @param foreign sites with bytes that are neither the original ones nor ours
     */
    record Report(int restored, List<TextSpan> left, List<TextSpan> foreign) {}

    /** When the operations were performed. */
    Report report(Operations operations) {
        int restored = 0;
        List<TextSpan> left = new ArrayList<>();
        List<TextSpan> foreign = new ArrayList<>();
        for (int i = 0; i < spans.size(); i++) {
            TextSpan span = spans.get(i);
            if (operations.result(numbers.get(i)) == 0) {
                restored += span.sites().size();
            } else if (span.sites().size() > 1) {
                left.addAll(TextSpan.alone(span.sites()));
            } else {
                foreign.add(span);
            }
        }
        return new Report(restored, left, foreign);
    }
}
