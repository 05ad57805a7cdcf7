package graft.platform.asm;

import java.util.ArrayList;
import java.util.List;

/**
 * A place in one {@link CodeBuffer} that may be used before it is known. Binding fills in every use so far; later uses
 * are filled in at once. Bound exactly once.
 */
public final class Label {
    /** A distance field that waits: where it is, how wide, and the offset it counts from. */
    record Site(int field, int fieldBytes, int origin) {}

    private static final int UNBOUND = -1;
    private static final int UNNUMBERED = -1;

    /** What became of a use. */
    enum Use {
        FILLED_IN,
        WAITING,
        /** Waiting, as the first one of this label. */
        FIRST_WAITING
    }

    private final String name;
    private final int number;
    private List<Site> sites = List.of();
    private int position = UNBOUND;

    /** @param name for messages */
    public Label(String name) {
        this(name, UNNUMBERED);
    }

    /** One of several with the same name: {@code name} and {@code number} in messages. */
    public Label(String name, int number) {
        this.name = name;
        this.number = number;
    }

    /** Whether the place is known. */
    public boolean isBound() {
        return position != UNBOUND;
    }

    /**
     * Offset in the buffer.
     *
     * @throws IllegalStateException before it is bound
     */
    public int position() {
        if (!isBound()) {
            throw new IllegalStateException("label " + this + " is not bound");
        }
        return position;
    }

    void bind(int offset, CodeBuffer buffer) {
        if (isBound()) {
            throw new IllegalStateException(
                    "label %s is bound twice, at +%d and +%d".formatted(this, position, offset));
        }
        position = offset;
        for (Site site : sites) {
            buffer.patch(site, offset);
        }
        sites = List.of();
    }

    /** Fills the site in or remembers it. */
    Use use(Site site, CodeBuffer buffer) {
        if (isBound()) {
            buffer.patch(site, position);
            return Use.FILLED_IN;
        }
        boolean first = sites.isEmpty();
        if (first) {
            sites = new ArrayList<>(2);
        }
        sites.add(site);
        return first ? Use.FIRST_WAITING : Use.WAITING;
    }

    @Override
    public String toString() {
        return number == UNNUMBERED ? name : name + " " + number;
    }
}
