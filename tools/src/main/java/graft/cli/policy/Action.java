package graft.cli.policy;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

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

    /** It is made with this path in place of those that the rule matches. */
    record Redirect(String path) implements Action {
        private static final int MOST_BYTES = 4095; // PATH_MAX without the zero byte

        /** Why nothing can be redirected to {@code path}; empty when it can. */
        static Optional<String> mistake(String path) {
            if (!path.startsWith("/")) {
                return Optional.of("\"" + path + "\" is no absolute path");
            }
            return path.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES
                    ? Optional.of("a path has at most " + MOST_BYTES + " bytes")
                    : Optional.empty();
        }
    }

    /** As policies write it. */
    default String text() {
        return switch (this) {
            case Allow _ -> "allow";
            case Deny(var error, var _) -> "deny " + error;
            case Log _ -> "log";
            case Kill _ -> "kill";
            case Return(var value) -> "return " + value;
            case Redirect(var path) -> "redirect " + path;
        };
    }

    /** Whether the call is left out, or another is made. */
    default boolean prevents() {
        return switch (this) {
            case Deny _, Kill _, Return _, Redirect _ -> true;
            case Allow _, Log _ -> false;
        };
    }
}
