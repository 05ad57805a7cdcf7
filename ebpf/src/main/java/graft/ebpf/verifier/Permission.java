package graft.ebpf.verifier;

/** What programs in a target process do only when its user has said so. */
public enum Permission {
    /** Change what the process does: leave functions with another result, write registers. */
    CHANGE,
    /** End the agent's system calls in its process, forget what belongs to a thread. For graft's own programs only. */
    CONFINE
}
