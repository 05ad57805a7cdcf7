package graft.rewriter.stub;

/** Whether a thunk reads the site record in front of its call. */
public enum SiteRecord {
    READ,
    UNREAD
}
