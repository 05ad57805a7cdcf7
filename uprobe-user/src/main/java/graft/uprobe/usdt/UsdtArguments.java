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
    private static final Pattern MEMORY = Pattern.compile("(-?(?:0x[0-9a-fA-F]+|\\d+)(?=[(+-]))?([+-]?\\d+(?=\\())?"
            + "([A-Za-z_.$][\\w.$@]*)?([+-]\\d+)?\\((?:%(\\w+))?(?:,%(\\w+)(?:,([1248]))?)?\\)");
    private static final int DISPLACEMENT = 1;
    private static final int SECOND_NUMBER = 2;
    private static final int SYMBOL = 3;
    private static final int SYMBOL_OFFSET = 4;
    private static final int BASE = 5;
    private static final int INDEX = 6;
    private static final int SCALE = 7;

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
        if (parts.group(BASE) == null) {
            return Optional.empty(); // an address without a base has no form in the programs' tables
        }
        Optional<PtRegister> base = PtRegister.named(parts.group(BASE));
        long displacement = decoded(parts.group(DISPLACEMENT))
                + decoded(parts.group(SECOND_NUMBER))
                + decoded(parts.group(SYMBOL_OFFSET));
        Optional<Long> symbol = parts.group(SYMBOL) == null
                ? Optional.of(0L)
                : symbols.distance(parts.group(SYMBOL)).filter(_ -> base.equals(Optional.of(PtRegister.RIP)));
        boolean plainRip = base.equals(Optional.of(PtRegister.RIP)) && parts.group(SYMBOL) == null;
        if (base.isEmpty() || symbol.isEmpty() || plainRip) {
            return Optional.empty();
        }
        long all = displacement + symbol.get();
        if (parts.group(INDEX) == null) {
            return Optional.of(new UsdtArgument.Memory(base.get(), all, shape));
        }
        int scale = parts.group(SCALE) == null ? 0 : Integer.numberOfTrailingZeros(Integer.parseInt(parts.group(SCALE)));
        return PtRegister.named(parts.group(INDEX))
                .map(index -> new UsdtArgument.Indexed(base.get(), index, scale, all, shape));
    }

    private static long decoded(String number) {
        return number == null ? 0 : Long.decode(number);
    }
}
