package graft.attach;

/** The target did not do in time what it was asked; everything is rolled back. */
final class DeadlineException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DeadlineException(String message) {
        super(message);
    }
}
