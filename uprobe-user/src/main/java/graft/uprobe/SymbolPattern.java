package graft.uprobe;

import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A name that stands for several: with {@code *} for any characters and {@code ?} for one, over the whole name; or a
 * regular expression between slashes, which is looked for anywhere in the name.
 */
final class SymbolPattern implements Predicate<String> {
    private final Pattern pattern;

    private SymbolPattern(Pattern pattern) {
        this.pattern = pattern;
    }

    /** The pattern that {@code name} is; nothing when it stands for itself. */
    static Optional<SymbolPattern> of(String name) {
        if (isExpression(name)) {
            return Optional.of(new SymbolPattern(Pattern.compile(name.substring(1, name.length() - 1))));
        }
        if (name.indexOf('*') < 0 && name.indexOf('?') < 0) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder("^");
        name.chars()
                .forEach(character -> text.append(
                        switch (character) {
                            case '*' -> ".*";
                            case '?' -> ".";
                            default -> Pattern.quote(Character.toString(character));
                        }));
        return Optional.of(new SymbolPattern(Pattern.compile(text.append('$').toString())));
    }

    /** Whether {@code name} is written as a regular expression. */
    static boolean isExpression(String name) {
        return name.length() > 1 && name.startsWith("/") && name.endsWith("/");
    }

    /** What is wrong with a regular expression. */
    static Optional<String> mistake(String expression) {
        if (expression.length() == 2) {
            return Optional.of("the regular expression is empty");
        }
        try {
            of(expression);
            return Optional.empty();
        } catch (PatternSyntaxException e) {
            return Optional.of(
                    "the regular expression is wrong: " + e.getDescription() + " at character " + (e.getIndex() + 1));
        }
    }

    @Override
    public boolean test(String name) {
        return pattern.matcher(name).find();
    }
}
