package graft.cli.syscalls;

import graft.cli.error.Problem;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Which calls are traced: names and groups, as strace takes them. */
public final class Selection {
    private Selection() {}

    /**
     * The calls that {@code words} name: {@code openat}, {@code %file}, {@code all}; an exclamation mark before the first
     * word means all others; {@code trace=} may be in front, as strace has it.
     */
    public static List<SyscallSpec> of(SyscallTable table, List<String> words) {
        if (words.isEmpty()) {
            return List.copyOf(table.calls());
        }
        List<String> plain = new ArrayList<>(words);
        String first = plain.getFirst().replaceFirst("^trace=", "");
        boolean isOthers = first.startsWith("!");
        plain.set(0, isOthers ? first.substring(1) : first);
        Set<SyscallSpec> named = new LinkedHashSet<>();
        plain.forEach(word -> named.addAll(calls(table, word)));
        return table.calls().stream()
                .filter(call -> named.contains(call) != isOthers)
                .toList();
    }

    private static List<SyscallSpec> calls(SyscallTable table, String word) {
        if (word.equals("all")) {
            return List.copyOf(table.calls());
        }
        String group = word.equals("%network") ? "net" : word.startsWith("%") ? word.substring(1) : "";
        List<SyscallSpec> found = table.calls().stream()
                .filter(call -> word.startsWith("%")
                        ? call.groups().contains(group)
                        : call.name().equals(word))
                .toList();
        if (found.isEmpty()) {
            throw Problem.of("U001", "graft syscalls: -e " + word + " names no system call")
                    .because("groups are %" + String.join(", %", groups(table)))
                    .remedy("-e openat,read, -e %file, or -e '!futex'")
                    .failure();
        }
        return found;
    }

    private static Set<String> groups(SyscallTable table) {
        Set<String> groups = new TreeSet<>();
        table.calls().forEach(call -> groups.addAll(call.groups()));
        return groups;
    }
}
