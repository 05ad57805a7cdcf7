package graft.ebpf.object;

import java.util.OptionalLong;

/** What a CO-RE relocation comes to. */
sealed interface CoreValue {
    /**
     * A number for the instruction.
     *
     * @param expected what the instruction holds before, where that is certain
     * @param width how a load or store changes
     */
    record Known(long value, OptionalLong expected, Width width) implements CoreValue {}

    /** Nothing: the instruction must not run, and why. */
    record Unknown(String why) implements CoreValue {}

    /** Bytes of a field in the object's types and in the target's; 0 where it does not matter. */
    record Width(long before, long after, Change change) {
        static final Width UNIMPORTANT = new Width(0, 0, Change.KEEPS_VALUE);
    }

    /** What happens to a value that is read with another width. */
    enum Change {
        /** The same value: the widths are equal, or zeros fill the rest. */
        KEEPS_VALUE,
        /** Sign and meaning may be lost. */
        MAY_LOSE_VALUE
    }
}
