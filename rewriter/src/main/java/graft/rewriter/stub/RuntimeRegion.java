package graft.rewriter.stub;

import graft.platform.address.RemoteAddress;
import graft.platform.layout.ConfigLayout;
import graft.platform.layout.PoolConstants;
import graft.platform.layout.ReturnSlotLayout;
import graft.platform.layout.StateLayout;

/** Where generated code finds the runtime region of {@code pool.layout}, which lies directly below its code pool. */
public record RuntimeRegion(RemoteAddress pool, long poolSize, ForkedChildren children) {
    /** What becomes of the programs in processes that the target forks. */
    public enum ForkedChildren {
        /** The kernel switches them off there. */
        LEFT,
        /** They run there. */
        FOLLOWED
    }

    /** Bytes of the region. */
    public static final long SIZE = PoolConstants.RUNTIME_SIZE;

    /** Slots of one set: a stack word is kept in one of them. */
    static final int RETURN_SET_SLOTS = 8;

    static final int RETURN_SLOT_BYTES = ReturnSlotLayout.SIZE;
    static final int RETURN_SET_BYTES = RETURN_SET_SLOTS * RETURN_SLOT_BYTES;

    /** From a hash to the offset of a set. */
    static final int RETURN_SET_MASK = PoolConstants.RETURN_SLOTS * RETURN_SLOT_BYTES - RETURN_SET_BYTES;

    static final int TAIL_SET_MASK = PoolConstants.TAIL_SLOTS * RETURN_SLOT_BYTES - RETURN_SET_BYTES;

    /** A word that is not 0 while programs run. */
    public RemoteAddress active() {
        return switch (children) {
            case LEFT -> at(PoolConstants.STATE_OFFSET + StateLayout.ACTIVE);
            case FOLLOWED -> at(PoolConstants.CONFIG_OFFSET + ConfigLayout.FOLLOWED);
        };
    }

    /** See {@code LIFELINE_CUT} in {@code pool.layout}. */
    RemoteAddress lifeline() {
        return at(-PoolConstants.LIFELINE_SIZE);
    }

    RemoteAddress missedReturns() {
        return at(PoolConstants.CONFIG_OFFSET + ConfigLayout.MISSED_RETURNS);
    }

    RemoteAddress returnPagesUsed() {
        return at(PoolConstants.CONFIG_OFFSET + ConfigLayout.RETURN_PAGES_USED);
    }

    RemoteAddress missedRuns() {
        return at(PoolConstants.CONFIG_OFFSET + ConfigLayout.MISSED_RUNS);
    }

    RemoteAddress stacks() {
        return at(PoolConstants.STACKS_OFFSET);
    }

    RemoteAddress stacksEnd() {
        return stacks().plus(PoolConstants.STACKS * PoolConstants.STACK_BYTES);
    }

    RemoteAddress returnSlots() {
        return at(PoolConstants.RETURN_SLOTS_OFFSET);
    }

    RemoteAddress tailSlots() {
        return at(PoolConstants.TAIL_SLOTS_OFFSET);
    }

    private RemoteAddress at(int offset) {
        return pool.plus(offset - SIZE);
    }
}
