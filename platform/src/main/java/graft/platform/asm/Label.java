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

    private final String name;
    private final List<Site> sites = new ArrayList<>();
    private int position = UNBOUND;

    /** @param name for messages */
    public Label(String name) {
        this.name = name;
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
            throw new IllegalStateException("label " + name + " is not bound");
        }
        return position;
    }

    void bind(int offset, CodeBuffer buffer) {
        if (isBound()) {
            throw new IllegalStateException(
                    "label %s is bound twice, at +%d and +%d".formatted(name, position, offset));
        }
        position = offset;
        sites.forEach(site -> buffer.patch(site, offset));
        sites.clear();
    }

    /** Fills the site in or remembers it; true when it was filled in. */
    boolean use(Site site, CodeBuffer buffer) {
        if (isBound()) {
            buffer.patch(site, position);
            return true;
        }
        sites.add(site);
        return false;
    }

    @Override
    public String toString() {
        return name;
    }
}
