package graft.uprobe;

import graft.platform.address.ElfVirtualAddress;
import java.util.Optional;

/**
 * What a user asks for, as text: {@code uprobe:MODULE:SYMBOL[+OFFSET]} or {@code uretprobe:MODULE:SYMBOL}; the colon
 * after the kind may be a slash, as in section names of eBPF objects. A symbol may hold the wildcards {@code *} and
 * {@code ?}, or be a regular expression between slashes: {@code uprobe:libssl.so.3:/^SSL_(read|write)$/}.
 *
 * <p>{@code uprobe:MODULE:SOURCE.c:LINE} is a line of a source file, by debug information.
 *
 * <p>Where there is no name, its address in the file stands for a function, as {@code objdump -d} shows it:
 * {@code uprobe:busybox:0x40a1c0}.
 *
 * <p>{@code usdt:MODULE:PROVIDER:NAME} is a static probe; provider and name may be patterns.
 *
 * @param module a file name ({@code libssl.so.3}), a path, or a path suffix; empty means the main executable
 * @param symbol a function name or pattern
 * @param offset bytes from the start of the function; 0 for entries and returns
 */
public record Probe(Kind kind, String module, String symbol, long offset) {

    /** Where in the function the program runs. */
    public enum Kind {
        ENTRY("uprobe"),
        OFFSET("uprobe"),
        RETURN("uretprobe"),
        /** Where a line of a source file begins; its symbol is {@code FILE:LINE}. */
        LINE("uprobe"),
        /** A place that the program's author marked; its symbol is {@code PROVIDER:NAME}. */
        STATIC("usdt");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /** The word people write. */
        public String word() {
            return word;
        }
    }

    /** The outcome of reading a probe's text. */
    public sealed interface Parsed {
        /** Understood. */
        record Ok(Probe probe) implements Parsed {}

        /** Not understood. {@code why} names the part that is wrong. */
        record Malformed(String text, String why) implements Parsed {}
    }

    /** Reads {@code uprobe:libssl.so.3:SSL_write} and its relatives. */
    public static Parsed parse(String text) {
        String rest;
        Kind kind;
        if (text.startsWith("uretprobe:") || text.startsWith("uretprobe/")) {
            kind = Kind.RETURN;
            rest = text.substring("uretprobe:".length());
        } else if (text.startsWith("uprobe:") || text.startsWith("uprobe/")) {
            kind = Kind.ENTRY;
            rest = text.substring("uprobe:".length());
        } else if (text.startsWith("usdt:") || text.startsWith("usdt/")) {
            kind = Kind.STATIC;
            rest = text.substring("usdt:".length());
        } else {
            return new Parsed.Malformed(text, "it does not begin with uprobe:, uretprobe: or usdt:");
        }
        return place(kind, text, rest);
    }

    /** Reads the part after the kind: {@code libssl.so.3:SSL_write+0x10}. */
    public static Parsed parsePlace(Kind kind, String place) {
        return place(kind, place, place);
    }

    private static Parsed place(Kind kind, String text, String place) {
        return kind == Kind.STATIC ? marked(text, place) : function(kind, text, place);
    }

    /** {@code [FILE:]PROVIDER:NAME}. */
    private static Parsed marked(String text, String place) {
        int name = place.lastIndexOf(':');
        int provider = place.lastIndexOf(':', name - 1);
        String symbol = place.substring(provider + 1);
        if (name < 0 || symbol.startsWith(":") || symbol.endsWith(":")) {
            return new Parsed.Malformed(text, "a static probe has a provider and a name");
        }
        return new Parsed.Ok(new Probe(Kind.STATIC, provider < 0 ? "" : place.substring(0, provider), symbol, 0));
    }

    /** {@code [FILE:]SOURCE:LINE}. */
    private static Parsed line(Kind kind, String text, String place) {
        int source = place.lastIndexOf(':', place.lastIndexOf(':') - 1);
        String symbol = place.substring(source + 1);
        if (kind == Kind.RETURN) {
            return new Parsed.Malformed(text, "a return probe takes no line");
        }
        if (symbol.startsWith(":")) {
            return new Parsed.Malformed(text, "the source file's name is missing");
        }
        return new Parsed.Ok(new Probe(Kind.LINE, source < 0 ? "" : place.substring(0, source), symbol, 0));
    }

    private static Parsed function(Kind kind, String text, String place) {
        int colon = functionMark(place);
        String module = colon < 0 ? "" : place.substring(0, colon);
        String function = place.substring(colon + 1);
        if (SymbolPattern.isExpression(function)) {
            return SymbolPattern.mistake(function)
                    .<Parsed>map(why -> new Parsed.Malformed(text, why))
                    .orElseGet(() -> new Parsed.Ok(new Probe(kind, module, function, 0)));
        }
        if (colon >= 0 && function.matches("\\d{1,9}")) {
            return line(kind, text, place);
        }
        int plus = function.lastIndexOf('+');
        String symbol = plus < 0 ? function : function.substring(0, plus);
        if (symbol.isEmpty()) {
            return new Parsed.Malformed(text, "the function's name is missing");
        }
        Optional<Long> offset = plus < 0 ? Optional.of(0L) : number(function.substring(plus + 1));
        if (offset.isEmpty()) {
            return new Parsed.Malformed(text, "\"" + function.substring(plus + 1) + "\" is not an offset");
        }
        if (offset.get() != 0 && kind == Kind.RETURN) {
            return new Parsed.Malformed(text, "a return probe takes no offset");
        }
        Kind exact = offset.get() != 0 ? Kind.OFFSET : kind;
        return new Parsed.Ok(new Probe(exact, module, symbol, offset.get()));
    }

    /** The colon before the function, which may be a regular expression with colons of its own. */
    private static int functionMark(String place) {
        boolean expression = place.length() > 1 && place.endsWith("/");
        return expression ? place.indexOf(":/") : place.lastIndexOf(':');
    }

    private static Optional<Long> number(String digits) {
        try {
            long value = Long.decode(digits);
            return value < 0 ? Optional.empty() : Optional.of(value);
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }

    /** The address in the file that {@link #symbol} is. */
    Optional<ElfVirtualAddress> fileAddress() {
        return symbol.startsWith("0x") ? number(symbol).map(ElfVirtualAddress::new) : Optional.empty();
    }

    /** Whether {@link #symbol} is a pattern. */
    public boolean isPattern() {
        return SymbolPattern.of(symbol).isPresent();
    }

    @Override
    public String toString() {
        String place = module.isEmpty() ? symbol : module + ":" + symbol;
        return kind.word() + ":" + place + (offset == 0 ? "" : "+0x" + Long.toHexString(offset));
    }
}
