package graft.uprobe.usdt;

import graft.uprobe.usdt.UsdtArgument.Shape;
import graft.uprobe.usdt.UsdtArgument.Sign;
import graft.uprobe.usdt.UsdtArgument.Symbols;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the words that say where a static probe's arguments are: {@code SIZE@OPERAND}, the operand in the assembler's words,
 * a negative size for signed numbers.
 */
final class UsdtArguments {
    private static final Pattern WORD = Pattern.compile("(?:(-?)(\\d+)(f?)@)?(.+)");
    private static final Pattern REGISTER = Pattern.compile("%(\\w+)");
    private static final Pattern NUMBER = Pattern.compile("\\$(-?(?:0x[0-9a-fA-F]+|\\d+))");
    private static final Pattern MEMORY = Pattern.compile("([^(]*)\\(%(\\w+)(?:,%(\\w+)(?:,([1248]))?)?\\)");
    private static final Pattern TERM = Pattern.compile("[+-]?(?:(-?(?:0x[0-9a-fA-F]+|\\d+))|([A-Za-z_.$][\\w.$@]*))");
    private static final int DISPLACEMENT = 1;
    private static final int BASE = 2;
    private static final int INDEX = 3;
    private static final int SCALE = 4;

    private final Symbols symbols;

    private UsdtArguments(Symbols symbols) {
        this.symbols = symbols;
    }

    /** The arguments in order. */
    static List<UsdtArgument> parse(String text, Symbols symbols) {
        UsdtArguments parser = new UsdtArguments(symbols);
        List<UsdtArgument> arguments = new ArrayList<>();
        for (String word : text.strip().split("\\s+")) {
            if (!word.isEmpty()) {
                arguments.add(parser.argument(word).orElseGet(() -> new UsdtArgument.Unreadable(word)));
            }
        }
        return List.copyOf(arguments);
    }

    private Optional<UsdtArgument> argument(String word) {
        Matcher parts = WORD.matcher(word);
        if (!parts.matches()) {
            return Optional.empty();
        }
        int bytes = parts.group(2) == null ? Long.BYTES : Integer.parseInt(parts.group(2));
        if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != Long.BYTES) {
            return Optional.empty();
        }
        Shape shape = new Shape(bytes, "-".equals(parts.group(1)) ? Sign.SIGNED : Sign.UNSIGNED);
        return operand(parts.group(4), shape);
    }

    private Optional<UsdtArgument> operand(String operand, Shape shape) {
        Matcher number = NUMBER.matcher(operand);
        if (number.matches()) {
            return Optional.of(new UsdtArgument.Constant(Long.decode(number.group(1)), shape));
        }
        Matcher register = REGISTER.matcher(operand);
        if (register.matches()) {
            return PtRegister.named(register.group(1)).map(known -> new UsdtArgument.Register(known, shape));
        }
        Matcher memory = MEMORY.matcher(operand);
        return memory.matches() ? memory(memory, shape) : Optional.empty();
    }

    private Optional<UsdtArgument> memory(Matcher parts, Shape shape) {
        Optional<PtRegister> base = PtRegister.named(parts.group(BASE));
        boolean relative = base.equals(Optional.of(PtRegister.RIP));
        Optional<Long> displacement = displacement(parts.group(DISPLACEMENT), relative);
        if (base.isEmpty() || displacement.isEmpty()) {
            return Optional.empty();
        }
        if (parts.group(INDEX) == null) {
            return Optional.of(new UsdtArgument.Memory(base.get(), displacement.get(), shape));
        }
        int scale =
                parts.group(SCALE) == null ? 0 : Integer.numberOfTrailingZeros(Integer.parseInt(parts.group(SCALE)));
        return PtRegister.named(parts.group(INDEX))
                .map(index -> new UsdtArgument.Indexed(base.get(), index, scale, displacement.get(), shape));
    }

    /**
     * A sum of numbers and, relative to the instruction only, one symbol: where the instruction is that has an operand
     * without a symbol, the note does not say.
     */
    private Optional<Long> displacement(String sum, boolean relative) {
        long total = 0;
        int named = 0;
        Matcher term = TERM.matcher(sum);
        int at = 0;
        while (at < sum.length()) {
            if (!term.find(at) || term.start() != at) {
                return Optional.empty();
            }
            if (term.group(2) == null) {
                total += sum.charAt(at) == '-' && !term.group(1).startsWith("-")
                        ? -Long.decode(term.group(1))
                        : Long.decode(term.group(1));
            } else {
                Optional<Long> distance = sum.charAt(at) == '-' ? Optional.empty() : symbols.distance(term.group(2));
                if (distance.isEmpty()) {
                    return Optional.empty();
                }
                total += distance.get();
                named++;
            }
            at = term.end();
        }
        return named == (relative ? 1 : 0) ? Optional.of(total) : Optional.empty();
    }
}
