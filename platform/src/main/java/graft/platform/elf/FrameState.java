package graft.platform.elf;

/**
 * What tables say about one instruction. Immutable.
 *
 * @param address the canonical frame address, as a rule with nothing saved
 * @param rbp where the caller's is
 * @param returns where the return address is
 * @param rsp where the caller's is, {@link How#SAME} when it is the canonical frame address
 */
record FrameState(FrameRule address, Place rbp, Place returns, Place rsp) {
    /** The kinds of places. */
    enum How {
        SAME,
        AT_FRAME,
        AT_RBP,
        AT_RSP,
        UNDEFINED,
        UNKNOWN
    }

    /** Where a register of the caller is. */
    record Place(How how, int at) {
        static final Place SAME = new Place(How.SAME, 0);
        static final Place UNDEFINED = new Place(How.UNDEFINED, 0);
        static final Place UNKNOWN = new Place(How.UNKNOWN, 0);
    }

    /** The columns of DWARF's table that are followed. */
    enum Column {
        RBP,
        RSP,
        RETURNS
    }

    private static final Place BELOW = new Place(How.AT_FRAME, -8);

    /** Before any instruction. */
    static final FrameState START = new FrameState(FrameRule.UNKNOWN, Place.SAME, Place.SAME, Place.SAME);

    FrameState with(FrameRule other) {
        return new FrameState(other, rbp, returns, rsp);
    }

    FrameState with(Column column, Place place) {
        return switch (column) {
            case RBP -> new FrameState(address, place, returns, rsp);
            case RETURNS -> new FrameState(address, rbp, place, rsp);
            case RSP -> new FrameState(address, rbp, returns, place);
        };
    }

    Place at(Column column) {
        return switch (column) {
            case RBP -> rbp;
            case RETURNS -> returns;
            case RSP -> rsp;
        };
    }

    /** What the agent is told. */
    FrameRule rule() {
        if (returns.how() == How.UNDEFINED) {
            return FrameRule.OUTERMOST;
        }
        if (address.kind() == FrameRule.Kind.UNKNOWN) {
            return FrameRule.UNKNOWN;
        }
        if (returns.equals(BELOW) && rsp.equals(Place.SAME)) {
            return saving(address, address.added());
        }
        boolean interrupted = address.kind() == FrameRule.Kind.LOADED
                && address.register() == FrameRule.RSP
                && address.added() == 0
                && returns.how() == How.AT_RSP
                && rsp.equals(new Place(How.AT_RSP, address.offset()))
                && rbp.how() == How.AT_RSP;
        return interrupted
                ? saving(
                        new FrameRule(
                                FrameRule.Kind.SIGNAL,
                                FrameRule.RSP,
                                address.offset(),
                                0,
                                FrameRule.Saved.UNCHANGED,
                                0),
                        returns.at())
                : FrameRule.UNKNOWN;
    }

    private FrameRule saving(FrameRule rule, int added) {
        FrameRule.Saved saved = switch (rbp.how()) {
            case SAME -> FrameRule.Saved.UNCHANGED;
            case AT_FRAME -> FrameRule.Saved.AT_FRAME;
            case AT_RBP -> FrameRule.Saved.AT_RBP;
            case AT_RSP -> FrameRule.Saved.AT_RSP;
            case UNDEFINED, UNKNOWN -> FrameRule.Saved.LOST;
        };
        int at = saved == FrameRule.Saved.LOST ? 0 : rbp.at();
        return new FrameRule(rule.kind(), rule.register(), rule.offset(), added, saved, at);
    }
}
