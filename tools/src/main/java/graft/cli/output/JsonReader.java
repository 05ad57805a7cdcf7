package graft.cli.output;

import graft.ebpf.btf.FormattedValue;
import java.util.ArrayList;
import java.util.List;

/** Reads one JSON value as {@link JsonWriter#formatted} writes it. There is no {@code null}: keys and values have none. */
public final class JsonReader {
    private static final int MAX_DEPTH = 64;

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** The text is no JSON; the message says where. */
    public static final class SyntaxException extends Exception {
        private static final long serialVersionUID = 1L;

        SyntaxException(String message) {
            super(message);
        }
    }

    /** The value that {@code text} is. */
    public static FormattedValue read(String text) throws SyntaxException {
        JsonReader reader = new JsonReader(text);
        FormattedValue value = reader.value(0);
        reader.blanks();
        if (reader.at < text.length()) {
            throw reader.wrong("nothing more");
        }
        return value;
    }

    private FormattedValue value(int depth) throws SyntaxException {
        if (depth > MAX_DEPTH) {
            throw wrong("no more than " + MAX_DEPTH + " levels");
        }
        blanks();
        return switch (next()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> new FormattedValue.Text(string());
            default -> scalar();
        };
    }

    private FormattedValue object(int depth) throws SyntaxException {
        List<FormattedValue.Member> members = new ArrayList<>();
        expect('{');
        blanks();
        while (next() != '}') {
            if (!members.isEmpty()) {
                expect(',');
                blanks();
            }
            String name = string();
            blanks();
            expect(':');
            members.add(new FormattedValue.Member(name, value(depth + 1)));
            blanks();
        }
        expect('}');
        return new FormattedValue.Record(members);
    }

    private FormattedValue array(int depth) throws SyntaxException {
        List<FormattedValue> elements = new ArrayList<>();
        expect('[');
        blanks();
        while (next() != ']') {
            if (!elements.isEmpty()) {
                expect(',');
            }
            elements.add(value(depth + 1));
            blanks();
        }
        expect(']');
        return new FormattedValue.Sequence(elements);
    }

    private FormattedValue scalar() throws SyntaxException {
        int from = at;
        while (at < text.length() && "+-.0123456789aeEflrstu".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String word = text.substring(from, at);
        if (!word.matches("true|false|-?[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")) {
            at = from;
            throw wrong("a value");
        }
        return new FormattedValue.Number(word);
    }

    private String string() throws SyntaxException {
        StringBuilder string = new StringBuilder();
        expect('"');
        while (next() != '"') {
            char c = text.charAt(at++);
            string.append(c == '\\' ? escaped() : c);
        }
        expect('"');
        return string.toString();
    }

    private char escaped() throws SyntaxException {
        char kind = next();
        at++;
        return switch (kind) {
            case '"', '\\', '/' -> kind;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                if (at + 4 > text.length() || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
                    throw wrong("four hexadecimal digits");
                }
                at += 4;
                yield (char) Integer.parseInt(text.substring(at - 4, at), 16);
            }
            default -> {
                at--;
                throw wrong("an escape that JSON has");
            }
        };
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char next() throws SyntaxException {
        if (at >= text.length()) {
            throw new SyntaxException("it ends too early");
        }
        return text.charAt(at);
    }

    private void expect(char wanted) throws SyntaxException {
        if (next() != wanted) {
            throw wrong("'" + wanted + "'");
        }
        at++;
    }

    private SyntaxException wrong(String wanted) {
        return new SyntaxException("%s is expected at character %d: %s"
                .formatted(wanted, at + 1, text.substring(Math.min(at, text.length()))));
    }
}
