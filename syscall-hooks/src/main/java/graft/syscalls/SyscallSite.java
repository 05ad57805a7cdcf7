package graft.syscalls;

import graft.platform.address.RemoteAddress;
import java.util.OptionalInt;

/**
 * One {@code syscall} instruction of a module.
 *
 * @param function the named function that holds it or lies before it: a stripped library names only what it exports
 * @param regionStart first byte of that function
 * @param regionEnd first byte of the next named function
 * @param before the instruction right before it
 * @param address the {@code syscall} instruction
 * @param after the instruction right after it
 * @param number the call's number, when the instruction before loads it as a constant
 */
public record SyscallSite(
        String function,
        RemoteAddress regionStart,
        RemoteAddress regionEnd,
        RemoteAddress before,
        RemoteAddress address,
        RemoteAddress after,
        OptionalInt number) {}
