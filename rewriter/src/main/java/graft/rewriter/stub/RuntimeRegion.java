package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;

/** Where generated code finds the runtime region of {@code pool.layout}, which lies directly below its code pool. */
public record RuntimeRegion(RemoteAddress pool, long poolSize) {
    /** Bytes of the region. */
    public static final long SIZE = 0x20000;

    static final int RETURN_SET_BYTES = 128;
    static final int RETURN_SET_MASK = 0xff80;

    RemoteAddress active() {
        return pool.plus(-SIZE);
    }

    RemoteAddress missedReturns() {
        return pool.plus(-SIZE + 0x1000 + 56);
    }

    RemoteAddress returnSlots() {
        return pool.plus(-SIZE + 0x8000);
    }
}
