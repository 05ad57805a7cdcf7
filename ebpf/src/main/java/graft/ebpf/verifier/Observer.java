package graft.ebpf.verifier;

/** Sees every state of a walk. A walk that is observed takes no short cuts, so that every path is seen. */
@FunctionalInterface
interface Observer {
    /** Sees nothing. */
    Observer NONE = (_, _) -> {};

    /** Is called before an instruction is walked; the state changes afterwards. */
    void arrived(int slot, AbstractState state);
}
