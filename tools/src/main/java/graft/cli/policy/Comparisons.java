package graft.cli.policy;

import graft.cli.policy.Condition.Comparison;
import graft.syscalls.NamedConstants.ConstantSet;
import graft.syscalls.NamedConstants.ConstantSet.Constant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** Reads what a rule asks about a number: {@code >= 1024}, {@code 1..1023}, {@code has O_CREAT|O_EXCL}, {@code AF_INET}. */
final class Comparisons {
    private final Number number;

    /** @param number what is asked about */
    Comparisons(Number number) {
        this.number = number;
    }

    /**
     * A number of a call.
     *
     * @param bits 32 or 64
     * @param constants what its values are called
     */
    record Number(int source, int bits, Sign sign, Optional<ConstantSet> constants) {
        private long mask() {
            return bits == Long.SIZE ? Condition.ALL : (1L << bits) - 1;
        }

        private long flip() {
            return switch (sign) {
                case SIGNED -> 1L << bits - 1;
                case UNSIGNED -> 0;
            };
        }
    }

    /** Whether a number can be negative. */
    enum Sign {
        SIGNED,
        UNSIGNED
    }

    /** What was read. */
    sealed interface Reading {
        /** In one of {@code alternatives} all conditions have to hold. */
        record Understood(List<List<Condition>> alternatives) implements Reading {}

        /** The text means nothing, and why. */
        record Wrong(String why) implements Reading {}
    }

    /** What cannot be understood; never leaves this class. */
    private static final class Misunderstood extends RuntimeException {
        private static final long serialVersionUID = 1;

        Misunderstood(String why) {
            super(why, null, false, false);
        }
    }

    /** Reads one text. */
    Reading read(String text) {
        try {
            return new Reading.Understood(alternatives(text.strip()));
        } catch (Misunderstood wrong) {
            return new Reading.Wrong(wrong.getMessage());
        }
    }

    private List<List<Condition>> alternatives(String text) {
        int blank = text.indexOf(' ');
        String word = blank < 0 ? "" : text.substring(0, blank);
        String rest = text.substring(blank + 1).strip();
        switch (word) {
            case "has" -> {
                return List.of(bits(rest, Comparison.EQUAL));
            }
            case "none" -> {
                return List.of(bits(rest, Comparison.DIFFERENT));
            }
            case "any" -> {
                List<List<Condition>> each = new ArrayList<>();
                for (String name : rest.split("\\|")) {
                    each.add(bits(name, Comparison.EQUAL));
                }
                return each;
            }
            default -> {
                return List.of(compared(text));
            }
        }
    }

    private List<Condition> compared(String text) {
        for (Comparison comparison : List.of(
                Comparison.DIFFERENT,
                Comparison.AT_MOST,
                Comparison.AT_LEAST,
                Comparison.LESS,
                Comparison.GREATER,
                Comparison.EQUAL)) {
            if (text.startsWith(comparison.sign())) {
                return List.of(condition(
                        comparison, value(text.substring(comparison.sign().length()))));
            }
        }
        int dots = text.indexOf("..");
        return dots < 0
                ? List.of(condition(Comparison.EQUAL, value(text)))
                : List.of(
                        condition(Comparison.AT_LEAST, value(text.substring(0, dots))),
                        condition(Comparison.AT_MOST, value(text.substring(dots + 2))));
    }

    private Condition condition(Comparison comparison, long value) {
        long flip = number.flip();
        return new Condition(number.source(), comparison, number.mask(), flip, value & number.mask() ^ flip);
    }

    /** Flags have to be there, or none of them; a number among the flags has to be this one, or not. */
    private List<Condition> bits(String text, Comparison comparison) {
        List<Condition> conditions = new ArrayList<>();
        long flags = 0;
        for (String name : text.split("\\|")) {
            long value = value(name);
            long digits = number.constants().map(ConstantSet::mask).orElse(0L);
            if (digits != 0 && (value & ~digits) == 0) {
                conditions.add(new Condition(number.source(), comparison, digits, 0, value));
            } else if (value == 0) {
                throw new Misunderstood(name.strip() + " has no bits");
            } else {
                flags |= value;
            }
        }
        if (flags != 0) {
            conditions.add(Condition.bits(number.source(), flags, comparison == Comparison.EQUAL ? flags : 0));
        }
        return conditions;
    }

    private long value(String text) {
        long value = 0;
        for (String word : text.strip().split("\\|", -1)) {
            value |= single(word.strip());
        }
        boolean fits = number.bits() == Long.SIZE || value >> number.bits() == 0 || value >> number.bits() - 1 == -1;
        if (!fits) {
            throw new Misunderstood(text.strip() + " has more than " + number.bits() + " bits");
        }
        return value;
    }

    private long single(String word) {
        Optional<Constant> constant = number.constants().flatMap(set -> set.find(word));
        if (constant.isPresent()) {
            return constant.get().value();
        }
        return numeral(word).orElseThrow(() -> new Misunderstood(unknown(word)));
    }

    private String unknown(String word) {
        if (word.isEmpty()) {
            return "a number is missing";
        }
        return number.constants()
                .map(set -> word + " is neither a number nor one of "
                        + String.join(
                                ", ",
                                set.constants().stream()
                                        .map(Constant::name)
                                        .limit(8)
                                        .toList())
                        + (set.constants().size() > 8 ? ", ..." : ""))
                .orElse(word + " is no number");
    }

    /** A number as C writes it. */
    static OptionalLong numeral(String word) {
        boolean isNegative = word.startsWith("-");
        String digits = isNegative ? word.substring(1) : word;
        int radix = digits.startsWith("0x") ? 16 : digits.length() > 1 && digits.startsWith("0") ? 8 : 10;
        try {
            long value = Long.parseUnsignedLong(radix == 16 ? digits.substring(2) : digits, radix);
            return OptionalLong.of(isNegative ? -value : value);
        } catch (NumberFormatException _) {
            return OptionalLong.empty();
        }
    }
}
