package graft.cli.policy;

/**
 * A question about a number of a call: {@code ((source & mask) ^ flip)}, compared without sign.
 *
 * @param source an argument from 0 to 5, or one of {@link #FAMILY} to {@link #HOST_END}
 * @param flip makes signed numbers comparable: their sign bit
 */
public record Condition(int source, Comparison comparison, long mask, long flip, long value) {
    /** The family of the address that the call is given. */
    public static final int FAMILY = 6;

    /** Its port. */
    public static final int PORT = 7;

    /** An IPv4 address, or the first half of an IPv6 address. */
    public static final int HOST = 8;

    /** The second half. */
    public static final int HOST_END = 9;

    /** All bits. */
    public static final long ALL = -1;

    /** How numbers are compared; the order is that of {@code rules.h}. */
    public enum Comparison {
        EQUAL("="),
        DIFFERENT("!="),
        LESS("<"),
        AT_MOST("<="),
        GREATER(">"),
        AT_LEAST(">=");

        private final String sign;

        Comparison(String sign) {
            this.sign = sign;
        }

        /** As policies write it. */
        public String sign() {
            return sign;
        }
    }

    /** That some bits have a value. */
    public static Condition bits(int source, long mask, long value) {
        return new Condition(source, Comparison.EQUAL, mask, 0, value);
    }

    /** Whether it is about an argument, and not about memory that an argument leads to. */
    public boolean isOfArgument() {
        return source < FAMILY;
    }

    /** What the program does; for tests and for those who wonder. */
    public boolean holds(long number) {
        int order = Long.compareUnsigned(number & mask ^ flip, value);
        return switch (comparison) {
            case EQUAL -> order == 0;
            case DIFFERENT -> order != 0;
            case LESS -> order < 0;
            case AT_MOST -> order <= 0;
            case GREATER -> order > 0;
            case AT_LEAST -> order >= 0;
        };
    }
}
