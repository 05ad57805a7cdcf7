package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;

/** Where stubs go: a code pool that is being filled. */
public interface CodeSpace {
    /** Where the next block will be. */
    RemoteAddress next();

    /** The word of the pool's runtime region that is 0 while probes do not run. */
    RemoteAddress active();

    /**
     * Adds a block.
     *
     * @param address where it was written for: {@link #next()} at that time and now
     * @param purpose names it for people
     */
    void add(RemoteAddress address, Code code, String purpose);
}
