package graft.rewriter.x86_64;

import graft.platform.address.RemoteAddress;

/**
 * One call of a thunk from a stub, with the site record that the thunk finds by its return address.
 *
 * @param thunk the thunk
 * @param ip what {@code bpf_get_func_ip} returns: the probed function or instruction; at a system call's exit, its number
 * @param cookie the attach cookie
 */
public record ThunkCall(RemoteAddress thunk, long ip, long cookie) {}
