package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.relocate.Relocation;
import java.util.List;

/** The outcome of writing a stub. */
public sealed interface Stub {
    /**
     * A stub.
     *
     * @param address where {@code code} belongs
     * @param entry where the site jumps to
     * @param moved where displaced instructions continue
     */
    record Written(RemoteAddress address, RemoteAddress entry, Code code, List<Relocation.Moved> moved)
            implements Stub {
        public Written {
            moved = List.copyOf(moved);
        }
    }

    /** An instruction that cannot be moved. */
    record Refused(Relocation.Refused cause) implements Stub {}
}
