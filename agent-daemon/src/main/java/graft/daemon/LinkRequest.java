package graft.daemon;

import graft.uprobe.Probe;
import java.util.Optional;

/** Which program of an object shall run where. */
public sealed interface LinkRequest {
    /** The program's name in its object. */
    String program();

    /** The same with what {@code bpf_get_attach_cookie} returns there. */
    default LinkRequest withCookie(long cookie) {
        return switch (this) {
            case Uprobe(var program, var probe, var _) -> new Uprobe(program, probe, cookie);
            case Syscall(var program, var syscall, var edge, var _) -> new Syscall(program, syscall, edge, cookie);
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
     * @param syscall the call's kernel name: {@code openat}; empty: every system call
     * @param cookie what {@code bpf_get_attach_cookie} returns there
     */
    record Syscall(String program, Optional<String> syscall, Edge edge, long cookie) implements LinkRequest {}

    /** Which side of a system call. */
    enum Edge {
        ENTER,
        EXIT
    }
}
