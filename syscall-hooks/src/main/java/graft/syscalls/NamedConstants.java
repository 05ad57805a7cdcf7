package graft.syscalls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The names of numbers that system calls take and give, in sets: flags of {@code open}, signals, errors. */
public final class NamedConstants {
    private final Map<String, ConstantSet> sets;

    private NamedConstants(Map<String, ConstantSet> sets) {
        this.sets = Map.copyOf(sets);
    }

    /** The constants that graft was built with. */
    public static NamedConstants x8664() {
        Map<String, ConstantSet> sets = new HashMap<>();
        String name = "";
        long mask = 0;
        List<ConstantSet.Constant> constants = new ArrayList<>();
        for (String line : TableFile.lines("x86_64.names")) {
            String[] words = line.split(" ", 3);
            if (words[0].equals("set")) {
                sets.put(name, new ConstantSet(mask, constants));
                name = words[1];
                mask = Long.parseLong(words[2]);
                constants.clear();
            } else {
                String text = words.length > 2 ? words[2] : "";
                constants.add(new ConstantSet.Constant(words[0], Long.parseLong(words[1]), text));
            }
        }
        sets.put(name, new ConstantSet(mask, constants));
        return new NamedConstants(sets);
    }

    /** A set of the table, for example {@code open}. */
    public ConstantSet set(String name) {
        return Optional.ofNullable(sets.get(name))
                .orElseThrow(() -> new IllegalArgumentException("no set of constants is named " + name));
    }

    /**
     * One set.
     *
     * @param mask bits of a value that hold one number, not flags
     * @param constants by value
     */
    public record ConstantSet(long mask, List<Constant> constants) {
        private static final Comparator<Constant> WIDEST_FIRST =
                Comparator.comparingInt(constant -> -Long.bitCount(constant.value()));

        public ConstantSet {
            constants = List.copyOf(constants);
        }

        /**
         * A constant.
         *
         * @param text what it means; only errors have one
         */
        public record Constant(String name, long value, String text) {}

        /** The constant of exactly this value. */
        public Optional<Constant> find(long value) {
            return constants.stream()
                    .filter(constant -> constant.value() == value)
                    .findFirst();
        }

        /** The constant of this name. */
        public Optional<Constant> find(String name) {
            return constants.stream()
                    .filter(constant -> constant.name().equals(name))
                    .findFirst();
        }

        /** The value as flags: {@code O_RDWR|O_CREAT}, what has no name as a hexadecimal number. */
        public String flags(long value) {
            if (value == 0) {
                return find(0).map(Constant::name).orElse("0");
            }
            List<Constant> found = new ArrayList<>();
            long left = value & ~mask;
            for (Constant constant : constants.stream().sorted(WIDEST_FIRST).toList()) {
                long bits = constant.value();
                if (bits != 0 && (bits & mask) == 0 && (left & bits) == bits) {
                    found.add(constant);
                    left &= ~bits;
                }
            }
            found.sort(Comparator.comparing(Constant::value, Long::compareUnsigned));
            List<String> words = new ArrayList<>();
            numbered(value & mask).ifPresent(words::add);
            found.forEach(constant -> words.add(constant.name()));
            if (left != 0) {
                words.add("0x" + Long.toHexString(left));
            }
            return String.join("|", words);
        }

        private Optional<String> numbered(long value) {
            if (mask == 0) {
                return Optional.empty();
            }
            Optional<String> name = find(value).map(Constant::name);
            return value == 0 ? name : Optional.of(name.orElse("0x" + Long.toHexString(value)));
        }
    }
}
