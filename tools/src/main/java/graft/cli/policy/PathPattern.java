package graft.cli.policy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Paths, as a process may name them: one path; a folder with everything below it, when the text ends with a slash; or those
 * that a text with {@code ?}, {@code *}, {@code **} and {@code [a-z]} describes, of which only {@code **} takes slashes.
 */
public record PathPattern(String text) {
    /** What a place of the pattern takes. */
    sealed interface Element {
        /** One of these bytes. */
        record One(BitSet bytes) implements Element {}

        /** A slash; further ones and {@code ./} behind it mean nothing. */
        record Slash() implements Element {}

        /** Any number of these bytes. */
        record Many(BitSet bytes) implements Element {}

        /** Any folders, each with its slash. */
        record Folders() implements Element {}
    }

    /** Whether it is a folder and what is below. */
    boolean isFolder() {
        return text.endsWith("/");
    }

    /** Whether it describes paths and is not one. */
    boolean isGlob() {
        return text.chars().anyMatch(c -> c == '*' || c == '?' || c == '[');
    }

    /** The places in their order, without a slash at the end. */
    List<Element> elements() {
        byte[] bytes = (isFolder() ? text.substring(0, text.length() - 1) : text).getBytes(StandardCharsets.UTF_8);
        List<Element> elements = new ArrayList<>();
        int at = 0;
        while (at < bytes.length) {
            at = next(bytes, at, elements);
        }
        return elements;
    }

    private static int next(byte[] bytes, int at, List<Element> elements) {
        boolean isDouble = at + 1 < bytes.length && bytes[at + 1] == '*';
        boolean beginsName = at == 0 || bytes[at - 1] == '/';
        switch (bytes[at]) {
            case '/' -> {
                if (elements.isEmpty() || !elements.getLast().equals(new Element.Slash())) {
                    elements.add(new Element.Slash());
                }
            }
            case '?' -> elements.add(new Element.One(allBut('/')));
            case '*' -> {
                if (!isDouble) {
                    elements.add(new Element.Many(allBut('/')));
                } else if (beginsName && at + 2 < bytes.length && bytes[at + 2] == '/') {
                    elements.add(new Element.Folders());
                    return at + 3;
                } else {
                    elements.add(new Element.Many(allBut(0)));
                    return at + 2;
                }
            }
            case '[' -> {
                return set(bytes, at, elements);
            }
            default -> elements.add(new Element.One(only(bytes[at])));
        }
        return at + 1;
    }

    /** A bracket that is not closed is a bracket. */
    private static int set(byte[] bytes, int begin, List<Element> elements) {
        int at = begin + 1;
        boolean isOthers = at < bytes.length && (bytes[at] == '!' || bytes[at] == '^');
        int first = isOthers ? at + 1 : at;
        int end = first + 1;
        while (end < bytes.length && bytes[end] != ']') {
            end++;
        }
        if (end >= bytes.length) {
            elements.add(new Element.One(only(bytes[begin])));
            return at;
        }
        BitSet set = new BitSet();
        for (int i = first; i < end; i++) {
            int from = Byte.toUnsignedInt(bytes[i]);
            boolean isRange = i + 2 < end && bytes[i + 1] == '-';
            int to = isRange ? Byte.toUnsignedInt(bytes[i + 2]) : from;
            set.set(from, Math.max(from, to) + 1);
            i += isRange ? 2 : 0;
        }
        BitSet taken = allBut('/');
        if (isOthers) {
            taken.andNot(set);
        } else {
            taken.and(set);
        }
        elements.add(new Element.One(taken));
        return end + 1;
    }

    static BitSet only(int b) {
        BitSet set = new BitSet();
        set.set(b & 0xff);
        return set;
    }

    /** A path has no zero byte. */
    static BitSet allBut(int b) {
        BitSet set = new BitSet();
        set.set(1, 256);
        set.clear(b & 0xff);
        return set;
    }

    @Override
    public String toString() {
        return text;
    }
}
