package graft.cli.output;

import graft.ebpf.btf.FormattedValue;
import java.util.List;

/**
 * Writes one JSON value, piece by piece, with no blanks and no line ends: a line of JSON lines. Integers above 2^53
 * become strings in {@link #id}. The caller keeps the order of names and values right.
 */
public final class JsonWriter {
    private static final long LARGEST_EXACT = 1L << 53;

    private final StringBuilder out = new StringBuilder();

    /** Nothing written yet. */
    public JsonWriter() {}

    /** Opens an object. */
    public JsonWriter beginObject() {
        separate();
        out.append('{');
        return this;
    }

    /** Closes an object. */
    public JsonWriter endObject() {
        out.append('}');
        return this;
    }

    /** Opens an array. */
    public JsonWriter beginArray() {
        separate();
        out.append('[');
        return this;
    }

    /** Closes an array. */
    public JsonWriter endArray() {
        out.append(']');
        return this;
    }

    /** The name of the next member. */
    public JsonWriter name(String name) {
        separate();
        quote(name);
        out.append(':');
        return this;
    }

    /** A text. */
    public JsonWriter value(String text) {
        separate();
        quote(text);
        return this;
    }

    /** An integer. */
    public JsonWriter value(long number) {
        separate();
        out.append(number);
        return this;
    }

    /** A number; one that JSON cannot say becomes {@code null}. */
    public JsonWriter value(double number) {
        separate();
        out.append(Double.isFinite(number) ? Double.toString(number) : "null");
        return this;
    }

    /** A value of a map or event, with its structure. */
    public JsonWriter formatted(FormattedValue value) {
        switch (value) {
            case FormattedValue.Number(String digits) -> {
                separate();
                out.append(digits);
            }
            case FormattedValue.Text(String text) -> value(text);
            case FormattedValue.Sequence(var elements) -> {
                beginArray();
                elements.forEach(this::formatted);
                endArray();
            }
            case FormattedValue.Record(var members) -> {
                beginObject();
                members(members);
                endObject();
            }
        }
        return this;
    }

    /** What is in an unnamed struct or union belongs to the one around it, as in C. */
    private void members(List<FormattedValue.Member> members) {
        for (FormattedValue.Member member : members) {
            if (member.name().isEmpty() && member.value() instanceof FormattedValue.Record(var inner)) {
                members(inner);
            } else {
                name(member.name()).formatted(member.value());
            }
        }
    }

    /** A truth value as the member {@code name}. */
    public JsonWriter flag(String name, boolean value) {
        name(name);
        out.append(value);
        return this;
    }

    /** A text member. */
    public JsonWriter member(String name, String text) {
        return name(name).value(text);
    }

    /** An integer member. */
    public JsonWriter member(String name, long number) {
        return name(name).value(number);
    }

    /** A number member. */
    public JsonWriter member(String name, double number) {
        return name(name).value(number);
    }

    /** An identifier member: a number, or a string where a number would lose digits in other languages. */
    public JsonWriter id(String name, long id) {
        return id >= 0 && id <= LARGEST_EXACT ? member(name, id) : member(name, Long.toUnsignedString(id));
    }

    /** An address member, as a hexadecimal string. */
    public JsonWriter address(String name, long address) {
        return member(name, "0x" + Long.toHexString(address));
    }

    /** What has been written. */
    @Override
    public String toString() {
        return out.toString();
    }

    private void separate() {
        if (out.isEmpty()) {
            return;
        }
        char last = out.charAt(out.length() - 1);
        if (last != '{' && last != '[' && last != ':') {
            out.append(',');
        }
    }

    private void quote(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < ' ' || Character.isSurrogate(c) || c == 0x7f) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
