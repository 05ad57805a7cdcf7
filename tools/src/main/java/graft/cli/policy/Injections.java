package graft.cli.policy;

import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what strace's {@code --inject} takes, as rules: {@code openat:error=ENOENT:when=3+:path=/etc/*}. */
public final class Injections {
    private static final Pattern WHEN = Pattern.compile("([0-9]{1,9})(?:\\.\\.([0-9]{1,9}))?(?:(\\+)([0-9]{0,9}))?");
    private static final int MOST_ERROR = 4095;

    private final SyscallTable table;
    private final NamedConstants constants;
    private final String text;

    private Injections(SyscallTable table, NamedConstants constants, String text) {
        this.table = table;
        this.constants = constants;
        this.text = text;
    }

    /** The rules for some options, the first option first. */
    public static Policy of(SyscallTable table, NamedConstants constants, List<String> options) {
        List<Rule> rules = options.stream()
                .map(option -> new Injections(table, constants, option).rule())
                .toList();
        if (rules.size() > Policy.MOST_RULES) {
            throw wrong("--inject", "at most " + Policy.MOST_RULES + " times");
        }
        Policy policy = new Policy("inject", rules, new Action.Allow());
        if (RuleTables.of(policy) instanceof RuleTables.Making.TooLarge(var why)) {
            throw wrong("--inject", why);
        }
        return policy;
    }

    private static CommandFailure wrong(String what, String why) {
        return Problem.of("U001", "graft syscalls: " + what)
                .because(why)
                .remedy("--inject 'openat:error=ENOENT:when=3+:path=/etc/*'")
                .failure();
    }

    private CommandFailure wrong(String why) {
        return wrong("--inject " + text + " is not understood", why);
    }

    private Rule rule() {
        int end = text.indexOf(":path="); // takes the rest, for paths may have colons
        String head = end < 0 ? text : text.substring(0, end);
        List<PathPattern> paths =
                end < 0 ? List.of() : List.of(new PathPattern(text.substring(end + ":path=".length())));
        String[] words = head.split(":");
        Optional<Action> action = Optional.empty();
        Rule.Turns turns = Rule.Turns.ALL;
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            String key = equals < 0 ? words[i] : words[i].substring(0, equals);
            String value = words[i].substring(equals + 1);
            switch (key) {
                case "error", "retval" -> {
                    if (action.isPresent()) {
                        throw wrong("error= or retval=, once");
                    }
                    action = Optional.of(key.equals("error") ? error(value) : result(value));
                }
                case "when" -> turns = turns(value);
                default -> throw wrong(key + " is none of error, retval, when, path");
            }
        }
        Action chosen = action.orElseThrow(() -> wrong("error= or retval= is missing"));
        return new Rule(text, 0, matches(words[0], paths, chosen), paths, chosen, Rule.Report.NEVER, turns);
    }

    private Action error(String value) {
        OptionalLong number = Comparisons.numeral(value);
        if (number.isPresent() && number.getAsLong() > 0 && number.getAsLong() <= MOST_ERROR) {
            return new Action.Deny(value, (int) number.getAsLong());
        }
        return ActionReader.denial(constants, value).orElseThrow(() -> wrong(value + " is no error"));
    }

    private Action result(String value) {
        OptionalLong number = Comparisons.numeral(value);
        if (number.isEmpty() || number.getAsLong() < 0) {
            throw wrong(value + " is no result; error= gives errors");
        }
        return new Action.Return(number.getAsLong());
    }

    private Rule.Turns turns(String value) {
        Matcher parts = WHEN.matcher(value);
        if (!parts.matches()) {
            throw wrong("when=" + value + " is not FIRST, FIRST+, FIRST+STEP or FIRST..LAST+STEP");
        }
        int first = Integer.parseInt(parts.group(1));
        boolean goesOn = parts.group(3) != null;
        String step = goesOn && !parts.group(4).isEmpty() ? parts.group(4) : "1";
        int last = parts.group(2) != null ? Integer.parseInt(parts.group(2)) : goesOn ? -1 : first;
        if (first == 0 || Integer.parseInt(step) == 0 || last != -1 && last < first) {
            throw wrong("when=" + value + " never comes");
        }
        return new Rule.Turns(first, last, Integer.parseInt(step));
    }

    private List<Rule.Match> matches(String set, List<PathPattern> paths, Action action) {
        List<Rule.Match> matches = new ArrayList<>();
        for (String word : set.split(",")) {
            boolean isGroup = word.startsWith("%");
            List<SyscallSpec> calls = isGroup
                    ? table.calls().stream()
                            .filter(call -> call.groups().contains(word.substring(1)))
                            .toList()
                    : table.call(word).map(List::of).orElse(List.of());
            if (calls.isEmpty()) {
                throw wrong(word + " names no system call");
            }
            for (SyscallSpec call : calls) {
                CallFacts facts = new CallFacts(call);
                Optional<String> obstacle = !paths.isEmpty() && facts.paths().isEmpty()
                        ? Optional.of(call.name() + " takes no path")
                        : facts.obstacle(action);
                boolean isKnown =
                        matches.stream().anyMatch(match -> match.call().equals(call));
                if (obstacle.isEmpty() && !isKnown) {
                    matches.add(new Rule.Match(call, List.of(List.of())));
                } else if (!isGroup && obstacle.isPresent()) {
                    throw wrong(obstacle.get());
                }
            }
        }
        return matches;
    }
}
