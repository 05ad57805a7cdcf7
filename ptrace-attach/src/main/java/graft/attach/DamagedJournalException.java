package graft.attach;

/** A journal cannot be used. */
final class DamagedJournalException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient UndoRecord.Unusable unusable;

    DamagedJournalException(UndoRecord.Unusable unusable) {
        super(unusable.reason());
        this.unusable = unusable;
    }

    UndoRecord.Unusable unusable() {
        return unusable;
    }
}
