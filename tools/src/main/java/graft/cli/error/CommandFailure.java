package graft.cli.error;

/** Ends a command with a {@link Problem}; {@code Main} prints it and exits with its status. */
public final class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    /** Without a stack trace: the problem itself says where. */
    public CommandFailure(Problem problem) {
        super(problem.code() + " " + problem.headline(), null, false, false);
        this.problem = problem;
    }

    /** What to print. */
    public Problem problem() {
        return problem;
    }
}
