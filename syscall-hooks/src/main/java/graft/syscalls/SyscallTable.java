package graft.syscalls;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Names and numbers of the system calls of x86-64 Linux. */
public final class SyscallTable {
    private static final String RESOURCE = "x86_64.syscalls";

    private final Map<String, Integer> numbers;
    private final Map<Integer, String> names;

    private SyscallTable(Map<String, Integer> numbers) {
        this.numbers = Map.copyOf(numbers);
        Map<Integer, String> reversed = new HashMap<>();
        numbers.forEach((name, number) -> reversed.put(number, name));
        this.names = Map.copyOf(reversed);
    }

    /** The table that graft was built with. */
    public static SyscallTable x8664() {
        try (InputStream in = SyscallTable.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new AssertionError("resource " + RESOURCE + " is missing from the build");
            }
            return parse(new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))
                    .lines()
                    .toList());
        } catch (IOException e) {
            throw new UncheckedIOException("reading resource " + RESOURCE, e);
        }
    }

    private static SyscallTable parse(List<String> lines) {
        Map<String, Integer> numbers = new HashMap<>();
        for (String line : lines) {
            if (!line.startsWith("#")) {
                int space = line.indexOf(' ');
                numbers.put(line.substring(space + 1), Integer.valueOf(line.substring(0, space)));
            }
        }
        return new SyscallTable(numbers);
    }

    /** The number of a call by its kernel name ({@code openat}). */
    public OptionalInt number(String name) {
        Integer number = numbers.get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /** The name of a call by its number. */
    public Optional<String> name(int number) {
        return Optional.ofNullable(names.get(number));
    }
}
