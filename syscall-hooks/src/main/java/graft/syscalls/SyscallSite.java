package graft.syscalls;

import graft.platform.address.RemoteAddress;
import java.util.OptionalInt;

/**
 * One {@code syscall} instruction of a module.
 *
 * @param function the function that holds it
 * @param before the instruction right before it
 * @param address the {@code syscall} instruction
 * @param after the instruction right after it
 * @param number the call's number, when the instruction before loads it as a constant
 */
public record SyscallSite(
        String function, RemoteAddress before, RemoteAddress address, RemoteAddress after, OptionalInt number) {}
