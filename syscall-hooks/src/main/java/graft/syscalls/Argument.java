package graft.syscalls;

/**
 * A parameter of a system call.
 *
 * @param name as the kernel calls it
 * @param type in C
 */
public record Argument(String name, String type, ArgumentKind kind) {}
