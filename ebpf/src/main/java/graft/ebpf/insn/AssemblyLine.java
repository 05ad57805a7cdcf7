package graft.ebpf.insn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** One line of assembly as words, numbers and signs, read from left to right. */
final class AssemblyLine {
    /** What can stand in a line besides words and numbers, longest first, so that {@code s>>=} is one sign. */
    private static final List<String> SIGNS = Stream.of(
                    Arrays.stream(AluOp.values()).map(AluOp::symbol),
                    Arrays.stream(JumpOp.values()).map(JumpOp::symbol),
                    Arrays.stream(AtomicOp.values()).map(AtomicOp::symbol).filter(Predicate.not(String::isEmpty)),
                    Stream.of("*", "(", ")", "[", "]", "+", "-", ",", "#", ":"))
            .flatMap(signs -> signs)
            .distinct()
            .sorted(Comparator.comparing(String::length).reversed())
            .toList();

    private final List<Token> tokens = new ArrayList<>();
    private final int end;
    private int at;

    /** A piece of the line; columns count from 1. */
    private record Token(Kind kind, String text, int column) {}

    private enum Kind {
        WORD,
        NUMBER,
        SIGN
    }

    /** Why a line cannot be read. */
    static final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final int column;
        private final String remedy;

        Unreadable(int column, String what, String remedy) {
            super(what);
            this.column = column;
            this.remedy = remedy;
        }

        int column() {
            return column;
        }

        String remedy() {
            return remedy;
        }
    }

    AssemblyLine(String line) {
        String code = line.replaceFirst("(;|//).*", "");
        this.end = code.stripTrailing().length() + 1;
        for (int from = 0; from < code.length(); ) {
            if (Character.isWhitespace(code.charAt(from))) {
                from++;
                continue;
            }
            Token token = token(code, from);
            tokens.add(token);
            from += token.text().length();
        }
    }

    private static Token token(String code, int from) {
        for (String sign : SIGNS) {
            if (code.startsWith(sign, from)) {
                return new Token(Kind.SIGN, sign, from + 1);
            }
        }
        int to = from;
        while (to < code.length() && isPartOfWord(code.charAt(to))) {
            to++;
        }
        if (to == from) {
            throw new Unreadable(
                    from + 1,
                    "unexpected character " + code.substring(from, from + 1),
                    "graft vm disasm shows the syntax");
        }
        Kind kind = Character.isDigit(code.charAt(from)) ? Kind.NUMBER : Kind.WORD;
        return new Token(kind, code.substring(from, to), from + 1);
    }

    private static boolean isPartOfWord(char c) {
        return c < 0x80 && Character.isLetterOrDigit(c) || c == '_' || c == '.' || c == '$';
    }

    /** Where the next piece begins. */
    int column() {
        return at < tokens.size() ? tokens.get(at).column() : end;
    }

    boolean isAtEnd() {
        return at == tokens.size();
    }

    /** Whether the piece {@code ahead} pieces behind the next one is {@code text}. */
    boolean sees(int ahead, String text) {
        return at + ahead < tokens.size() && tokens.get(at + ahead).text().equals(text);
    }

    /** The text of the next piece; empty at the end. */
    String peek() {
        return isAtEnd() ? "" : tokens.get(at).text();
    }

    boolean seesWord() {
        return seesWord(0);
    }

    boolean seesWord(int ahead) {
        return at + ahead < tokens.size() && tokens.get(at + ahead).kind() == Kind.WORD;
    }

    boolean seesNumber() {
        return !isAtEnd() && tokens.get(at).kind() == Kind.NUMBER;
    }

    /** Goes behind the next piece if it is {@code text}. */
    boolean takes(String text) {
        boolean seen = sees(0, text);
        at += seen ? 1 : 0;
        return seen;
    }

    void expect(String text) {
        if (!takes(text)) {
            throw unexpected(text);
        }
    }

    String word(String what) {
        if (!seesWord()) {
            throw unexpected(what);
        }
        return tokens.get(at++).text();
    }

    String sign(String what) {
        if (isAtEnd() || tokens.get(at).kind() != Kind.SIGN) {
            throw unexpected(what);
        }
        return tokens.get(at++).text();
    }

    /** A number with an optional sign; hexadecimal ones may use all 64 bits. */
    long number(String what) {
        int column = column();
        boolean negative = takes("-");
        boolean signed = negative || takes("+");
        if (!seesNumber()) {
            throw unexpected(what);
        }
        String digits = tokens.get(at++).text();
        try {
            boolean hex = digits.startsWith("0x") || digits.startsWith("0X");
            if (hex && !signed) {
                return Long.parseUnsignedLong(digits.substring(2), 16);
            }
            return Long.parseLong((negative ? "-" : "") + (hex ? digits.substring(2) : digits), hex ? 16 : 10);
        } catch (NumberFormatException _) {
            throw new Unreadable(column, digits + " is no number of 64 bits", "decimal, or hexadecimal behind 0x");
        }
    }

    void expectEnd() {
        if (!isAtEnd()) {
            throw new Unreadable(column(), "unexpected " + peek(), "one instruction a line; a comment begins with //");
        }
    }

    private Unreadable unexpected(String wanted) {
        String found = isAtEnd() ? "the line ends" : "found " + peek();
        return new Unreadable(column(), found + " where " + wanted + " belongs", "graft vm disasm shows the syntax");
    }
}
