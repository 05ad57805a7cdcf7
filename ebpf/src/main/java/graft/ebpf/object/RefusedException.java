package graft.ebpf.object;

/** Carries a refusal out of the depth of the loader; never leaves this package. */
final class RefusedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient LoadResult.Refused refusal;

    RefusedException(LoadResult.Reason reason, String where, String why, String suggestion) {
        super(why);
        this.refusal = new LoadResult.Refused(reason, where, why, suggestion);
    }

    LoadResult.Refused refusal() {
        return refusal;
    }
}
