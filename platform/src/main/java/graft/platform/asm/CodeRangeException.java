package graft.platform.asm;

/** A jump, call or data reference does not reach its target in the form that was asked for. */
public final class CodeRangeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param message what cannot reach what */
    public CodeRangeException(String message) {
        super(message);
    }
}
