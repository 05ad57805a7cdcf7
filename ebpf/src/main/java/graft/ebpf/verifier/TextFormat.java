package graft.ebpf.verifier;

import graft.ebpf.insn.Reg;
import graft.ebpf.insn.Width;
import java.nio.charset.StandardCharsets;

/** Formats that {@code bpf_snprintf} takes: a program with another one is refused, as the kernel refuses it. */
final class TextFormat {
    private static final Reg FORMAT = Reg.of(3);
    private static final Reg SIZE = Reg.of(5);
    private static final int ARGUMENT = 8;
    private static final char NO_BREAK_SPACE = 0xa0;

    private final String text;
    private final long arguments;
    private int at;

    private TextFormat(String text, long arguments) {
        this.text = text;
        this.arguments = arguments;
    }

    /** The format and the size of the arguments, which are known to be a constant string and a number. */
    static void check(Step step) {
        if (!(step.state.get(FORMAT) instanceof Pointer(Value.Region.MapValue(var map, var _), var offset, var _))
                || !(step.state.get(SIZE) instanceof Scalar size)) {
            throw new AssertionError("no constant string");
        }
        long known = size.bits(Width.W64).value();
        if (known % ARGUMENT != 0) {
            throw refused(Cause.BAD_SIZE, SIZE, "the arguments of bpf_snprintf are numbers of 8 bytes");
        }
        byte[] content = map.content().bytes();
        int begin = (int) offset.constant();
        int end = begin;
        while (content[end] != 0) {
            end++;
        }
        String text = new String(content, begin, end - begin, StandardCharsets.ISO_8859_1);
        if (!new TextFormat(text, known / ARGUMENT).isValid()) {
            throw refused(
                    Cause.BAD_ARGUMENT,
                    FORMAT,
                    "bpf_snprintf does not take the format \"%s\" with %d arguments".formatted(text, known / ARGUMENT));
        }
    }

    private static Refused refused(Cause cause, Reg reg, String why) {
        return new Refused(Finding.of(
                cause,
                reg,
                why,
                "give one u64 for each of %d, %i, %u, %x, %X (also with l or ll), %c, %s, %p, %px, %pK, %ps, %pS, %pB, %pks, %pus,"
                        + " %pi4, %pI4, %pi6 and %pI6"));
    }

    private boolean isValid() {
        long used = 0;
        while (at < text.length()) {
            char c = charAt(at);
            if (c < 0x80 && !isPrintable(c) && !isSpace(c)) {
                return false;
            }
            boolean percent = c == '%' && charAt(at + 1) == '%';
            if (percent || c != '%') {
                at += percent ? 2 : 1;
            } else if (used++ == arguments || !conversion()) {
                return false;
            }
        }
        return true;
    }

    /** Goes behind a conversion when there is a good one. */
    private boolean conversion() {
        at++;
        while ("0+- ".indexOf(charAt(at)) >= 0) {
            at++;
        }
        while (isDigit(charAt(at))) {
            at++;
        }
        return switch (charAt(at++)) {
            case 'p' -> pointer();
            case 's' -> endsWord(charAt(at));
            case 'c' -> true;
            default -> {
                at--;
                yield number();
            }
        };
    }

    private boolean number() {
        for (int longs = 0; longs < 2 && charAt(at) == 'l'; longs++) {
            at++;
        }
        return "diuxX".indexOf(charAt(at++)) >= 0;
    }

    private boolean pointer() {
        char first = charAt(at);
        char second = charAt(at + 1);
        if (endsWord(first)) {
            return true;
        }
        if ((first == 'k' || first == 'u') && second == 's') {
            at += 2;
            return endsWord(charAt(at));
        }
        if ("KxsSB".indexOf(first) >= 0) {
            at++;
            return true;
        }
        at += 2;
        return (first == 'i' || first == 'I') && (second == '4' || second == '6');
    }

    private char charAt(int index) {
        return index < text.length() ? text.charAt(index) : 0;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c >= '\t' && c <= '\r' || c == NO_BREAK_SPACE;
    }

    private static boolean isPrintable(char c) {
        return c >= ' ' && c <= '~';
    }

    private static boolean isLetter(char c) {
        return (c | 32) >= 'a' && (c | 32) <= 'z' || c >= 0xc0 && c <= 0xff && c != 0xd7 && c != 0xf7;
    }

    /** The end, a space or a sign, of Latin-1 as for the kernel. */
    private static boolean endsWord(char c) {
        boolean sign = isPrintable(c) || c > NO_BREAK_SPACE;
        return c == 0 || isSpace(c) || sign && !isLetter(c) && !isDigit(c);
    }
}
