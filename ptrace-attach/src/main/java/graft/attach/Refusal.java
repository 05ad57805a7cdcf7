package graft.attach;

/**
 * Why a process cannot be attached to, or an attach was taken back. Nothing of the target is changed when one is returned.
 *
 * @param kind the closed set of reasons, for programs
 * @param reason what was found, with the values that were read, for people
 * @param suggestion what to try
 */
public record Refusal(Kind kind, String reason, String suggestion) {
    /** The reasons. */
    public enum Kind {
        NO_SUCH_PROCESS,
        NOT_PERMITTED,
        ALREADY_TRACED,
        ZOMBIE,
        STOPPED,
        NOT_64_BIT,
        OWN_PROCESS,
        KERNEL_THREAD,
        SECCOMP,
        /** No unused bytes in executable memory to run the handover routine from. */
        NO_ROOM,
        /** The text is not what the plan expects: patched by someone else, or planned for another build. */
        TEXT_DIFFERS,
        /** A planned address is in use in the target. */
        ADDRESS_TAKEN,
        /** The process may not map as much as the attach needs. */
        MEMORY_LIMIT,
        /** A thread could not be stopped, or the handover did not finish, before the deadline. */
        DEADLINE,
        /** A thread is inside a patched window at a place the plan does not know. */
        THREAD_IN_WINDOW,
        /** A system call in the target or in the daemon failed. */
        SYSTEM_CALL
    }

    @Override
    public String toString() {
        return reason + "; try: " + suggestion;
    }
}
