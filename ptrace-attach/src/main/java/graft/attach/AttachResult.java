package graft.attach;

/** How an attach ended. */
public sealed interface AttachResult {
    /** Everything of the injection is in place and active. */
    record Attached(Attachment attachment, Timing timing) implements AttachResult {}

    /** Nothing was changed, or all of it was taken back. */
    record Refused(Refusal refusal) implements AttachResult {}

    /** The target ended meanwhile. */
    record TargetGone(int pid, String during) implements AttachResult {}
}
