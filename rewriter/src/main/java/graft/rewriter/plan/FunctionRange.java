package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;

/**
 * A function's bytes.
 *
 * @param name a function that has none is called by its address, {@code 0x40a1c0}
 */
public record FunctionRange(String name, RemoteAddress start, long size) {
    /** First byte after the function. */
    public RemoteAddress end() {
        return start.plus(size);
    }

    boolean isNamed() {
        return !name.startsWith("0x");
    }

    boolean contains(RemoteAddress address) {
        return address.compareTo(start) >= 0 && address.compareTo(end()) < 0;
    }
}
