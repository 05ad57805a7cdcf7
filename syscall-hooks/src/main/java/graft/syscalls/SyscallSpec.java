package graft.syscalls;

import java.util.List;
import java.util.Set;

/**
 * A system call: what it is called with and what it gives.
 *
 * @param name the kernel's
 * @param result how a result that is no error is shown
 * @param groups what selects it beside its name, without the percent sign: {@code file}, {@code desc}, {@code net}
 * @param arguments empty for calls that take none, and for those that neither the kernel nor the headers describe
 */
public record SyscallSpec(int number, String name, ArgumentKind result, Set<String> groups, List<Argument> arguments) {
    public SyscallSpec {
        groups = Set.copyOf(groups);
        arguments = List.copyOf(arguments);
    }
}
