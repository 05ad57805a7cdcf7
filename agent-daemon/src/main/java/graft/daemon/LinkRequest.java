package graft.daemon;

import graft.uprobe.Probe;

/** Which program of an object shall run where. */
public sealed interface LinkRequest {
    /** The program's name in its object. */
    String program();

    /** The same with what {@code bpf_get_attach_cookie} returns there; system calls have none. */
    default LinkRequest withCookie(long cookie) {
        return switch (this) {
            case Uprobe(var program, var probe, var _) -> new Uprobe(program, probe, cookie);
            case Syscall syscall -> syscall;
        };
    }

    /**
     * A program at a place in user space.
     *
     * @param cookie what {@code bpf_get_attach_cookie} returns there
     */
    record Uprobe(String program, Probe probe, long cookie) implements LinkRequest {}

    /**
     * A program at a system call.
     *
     * @param syscall the call's kernel name: {@code openat}
     */
    record Syscall(String program, String syscall, Edge edge) implements LinkRequest {}

    /** Which side of a system call. */
    enum Edge {
        ENTER,
        EXIT
    }
}
