package graft.syscalls;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/** The system calls of x86-64 Linux: names, numbers, arguments. */
public final class SyscallTable {
    private final Map<String, SyscallSpec> byName;
    private final Map<Integer, SyscallSpec> byNumber;

    private SyscallTable(Collection<SyscallSpec> calls, Map<String, SyscallSpec> others) {
        Map<String, SyscallSpec> names = new HashMap<>(others);
        Map<Integer, SyscallSpec> numbers = new TreeMap<>();
        for (SyscallSpec call : calls) {
            names.put(call.name(), call);
            numbers.put(call.number(), call);
        }
        this.byName = Map.copyOf(names);
        this.byNumber = Collections.unmodifiableMap(numbers);
    }

    /** The table that graft was built with. */
    public static SyscallTable x8664() {
        return parse(TableFile.lines("x86_64.syscalls"));
    }

    /** Reads lines as {@code make-syscalls} writes them: a call, then its arguments, indented. */
    static SyscallTable parse(List<String> lines) {
        List<SyscallSpec> calls = new ArrayList<>();
        Map<String, SyscallSpec> others = new HashMap<>();
        String head = "";
        List<Argument> arguments = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith("  ")) {
                arguments.add(argument(line.strip()));
            } else {
                add(calls, others, head, arguments);
                head = line;
                arguments.clear();
            }
        }
        add(calls, others, head, arguments);
        return new SyscallTable(calls, others);
    }

    private static void add(
            List<SyscallSpec> calls, Map<String, SyscallSpec> others, String head, List<Argument> arguments) {
        if (head.isEmpty()) {
            return;
        }
        String[] words = head.split(" ");
        Set<String> groups = new HashSet<>();
        List<String> names = new ArrayList<>();
        for (int i = 3; i < words.length; i++) {
            (words[i].startsWith("@") ? names : groups).add(words[i].substring(1));
        }
        ArgumentKind result = ArgumentKind.parse(words[2]);
        SyscallSpec call = new SyscallSpec(Integer.parseInt(words[0]), words[1], result, groups, arguments);
        calls.add(call);
        names.forEach(name -> others.put(name, call));
    }

    private static Argument argument(String line) {
        String[] words = line.split(" ", 3);
        return new Argument(words[1], words[2], ArgumentKind.parse(words[0]));
    }

    /** All calls, by number. */
    public Collection<SyscallSpec> calls() {
        return byNumber.values();
    }

    /** A call by its number. */
    public Optional<SyscallSpec> call(int number) {
        return Optional.ofNullable(byNumber.get(number));
    }

    /** A call by its name ({@code openat}, {@code stat}) or that of its tracepoint ({@code newstat}). */
    public Optional<SyscallSpec> call(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /** The number of a call by its kernel name. */
    public OptionalInt number(String name) {
        return call(name).map(call -> OptionalInt.of(call.number())).orElse(OptionalInt.empty());
    }

    /** The name of a call by its number. */
    public Optional<String> name(int number) {
        return call(number).map(SyscallSpec::name);
    }
}
