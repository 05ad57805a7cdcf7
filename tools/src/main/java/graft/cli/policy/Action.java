package graft.cli.policy;

/** What becomes of a call that a rule matches. */
public sealed interface Action {
    /** It is made; no later rule is asked. */
    record Allow() implements Action {}

    /**
     * It is not made and fails.
     *
     * @param error the error's name: {@code EACCES}
     * @param number the error's number
     */
    record Deny(String error, int number) implements Action {}

    /** It is reported; later rules are asked. */
    record Log() implements Action {}

    /** It is not made, and the process is killed. */
    record Kill() implements Action {}

    /** It is not made and returns this. */
    record Return(long value) implements Action {}

    /** As policies write it. */
    default String text() {
        return switch (this) {
            case Allow _ -> "allow";
            case Deny(var error, var _) -> "deny " + error;
            case Log _ -> "log";
            case Kill _ -> "kill";
            case Return(var value) -> "return " + value;
        };
    }

    /** Whether the call is left out. */
    default boolean prevents() {
        return switch (this) {
            case Deny _, Kill _, Return _ -> true;
            case Allow _, Log _ -> false;
        };
    }
}
