package graft.rewriter.stub;

/** Whether anybody may read the arithmetic flags that come to a place. */
public enum Flags {
    /** What follows is not known to overwrite them. */
    LIVE,
    /** What follows overwrites them before it reads any. */
    DEAD
}
