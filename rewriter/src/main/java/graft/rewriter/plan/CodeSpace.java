package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;

/** Where stubs go: a code pool that is being filled. */
public interface CodeSpace {
    /** Where the next block will be. */
    RemoteAddress next();

    /** Adds a block that was written for {@link #next()}; {@code purpose} names it for people. */
    void add(Code code, String purpose);
}
