package graft.attach;

/** What became of the wish to switch an attachment's probes off or on. */
public sealed interface Switching {
    /**
     * They are.
     *
     * @param timing how long the target was held; nothing when they were already
     */
    record Switched(Timing timing) implements Switching {}

    /** They do not run, and their text is not, or not completely, as it should be. Trying again is safe. */
    record Refused(Refusal refusal) implements Switching {}

    /** The target has ended, or was detached from. */
    record Gone() implements Switching {}
}
