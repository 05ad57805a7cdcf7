package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;

/** A function's bytes. */
public record FunctionRange(String name, RemoteAddress start, long size) {
    /** First byte after the function. */
    public RemoteAddress end() {
        return start.plus(size);
    }

    boolean contains(RemoteAddress address) {
        return address.compareTo(start) >= 0 && address.compareTo(end()) < 0;
    }
}
