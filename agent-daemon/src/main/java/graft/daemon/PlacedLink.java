package graft.daemon;

import graft.platform.address.RemoteAddress;
import graft.uprobe.AttachPoint;
import java.util.Optional;

/**
 * A program at a place of a process.
 *
 * @param place as people write it: {@code uprobe:libc.so.6:malloc}, {@code sys_enter_openat}
 * @param point where it is; nothing for a system call, which is made in many places
 * @param cookie what {@code bpf_get_attach_cookie} gives there
 */
public record PlacedLink(int pid, String program, String place, Optional<AttachPoint> point, long cookie) {
    /** At a place in user space. */
    public static PlacedLink at(int pid, AttachPoint point, LinkRequest.Uprobe link, long cookie) {
        return new PlacedLink(pid, link.program(), point.toString(), Optional.of(point), cookie);
    }

    /** At a system call, wherever the process makes it. */
    public static PlacedLink at(int pid, LinkRequest.Syscall link) {
        String edge = link.edge() == LinkRequest.Edge.ENTER ? "sys_enter" : "sys_exit";
        String place = link.syscall().map(call -> edge + "_" + call).orElse(edge);
        return new PlacedLink(pid, link.program(), place, Optional.empty(), link.cookie());
    }

    /** The instruction that is probed. */
    public Optional<RemoteAddress> address() {
        return point.map(AttachPoint::address);
    }

    /** Whether the place is the one that a refusal names. */
    boolean isAt(String site) {
        return point.filter(one -> one.name().equals(site)).isPresent();
    }
}
