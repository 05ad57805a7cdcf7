package graft.cli.policy;

import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.daemon.LinkRequest;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what strace's {@code --inject} takes, as rules: {@code openat:error=ENOENT:when=3+:path=/etc/*}. */
public final class Injections {
    private static final Pattern WHEN = Pattern.compile("([0-9]{1,9})(?:\\.\\.([0-9]{1,9}))?(?:(\\+)([0-9]{0,9}))?");
    private static final int MOST_ERROR = 4095;
    private static final Pattern DELAY = Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(s|ms|us|ns|)");
    private static final BigDecimal LONGEST_DELAY =
            BigDecimal.valueOf(Duration.ofDays(366).toNanos());
    private static final List<String> EFFECTS =
            List.of("error", "retval", "redirect", "signal", "delay_enter", "delay_exit", "poke_enter", "poke_exit");

    /** Those that strace takes. */
    private static final List<String> WITHOUT_EFFECT =
            List.of("getpid", "getuid", "getgid", "geteuid", "getegid", "getppid", "getpgrp", "gettid");

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
        Map<String, String> values = values(words);
        Action action = action(values);
        if (action instanceof Action.Redirect && paths.isEmpty()) {
            throw wrong("what redirect= leads elsewhere are the paths that path= names, which is missing");
        }
        Disturbance disturbance = disturbance(values, action);
        if (action instanceof Action.Allow && disturbance.equals(Disturbance.NONE)) {
            throw wrong("one of " + String.join("=, ", EFFECTS) + "= is missing");
        }
        Rule.Turns turns =
                Optional.ofNullable(values.get("when")).map(this::turns).orElse(Rule.Turns.ALL);
        return new Rule(
                text,
                0,
                matches(words[0], paths, action, disturbance),
                paths,
                action,
                Rule.Report.NEVER,
                turns,
                disturbance);
    }

    private Map<String, String> values(String[] words) {
        Map<String, String> values = new HashMap<>();
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            String key = equals < 0 ? words[i] : words[i].substring(0, equals);
            if (!EFFECTS.contains(key) && !key.equals("syscall") && !key.equals("when")) {
                throw wrong(key + " is none of " + String.join(", ", EFFECTS) + ", syscall, when, path");
            }
            if (values.put(key, words[i].substring(equals + 1)) != null) {
                throw wrong(key + "=, once");
            }
        }
        return values;
    }

    private Action action(Map<String, String> values) {
        List<String> given = List.of("error", "retval", "redirect").stream()
                .filter(values::containsKey)
                .toList();
        if (given.size() > 1) {
            throw wrong("one of error=, retval= and redirect=");
        }
        String key = given.isEmpty() ? "" : given.getFirst();
        return switch (key) {
            case "error" -> error(values.get(key));
            case "retval" -> result(values.get(key));
            case "redirect" -> {
                Action.Redirect.mistake(values.get(key)).ifPresent(why -> {
                    throw wrong(why);
                });
                yield new Action.Redirect(values.get(key));
            }
            default -> new Action.Allow();
        };
    }

    private Disturbance disturbance(Map<String, String> values, Action action) {
        Optional<Disturbance.Signal> signal = Optional.ofNullable(values.get("signal"))
                .map(word -> SignalReader.read(constants, word).orElseThrow(() -> wrong(word + " is no signal")));
        boolean isReplaced = action instanceof Action.Deny || action instanceof Action.Return;
        OptionalInt instead = OptionalInt.empty();
        if (values.containsKey("syscall")) {
            String name = values.get("syscall");
            if (!isReplaced || !WITHOUT_EFFECT.contains(name)) {
                throw wrong("syscall= is made in place of a call that error= or retval= leaves out, and is one of "
                        + String.join(", ", WITHOUT_EFFECT));
            }
            instead = OptionalInt.of(table.call(name).orElseThrow().number());
        }
        return new Disturbance(
                duration(values.get("delay_enter")),
                duration(values.get("delay_exit")),
                signal,
                instead,
                pokes(values));
    }

    private List<Poke> pokes(Map<String, String> values) {
        List<Poke> pokes = new ArrayList<>();
        Map.of("poke_enter", LinkRequest.Edge.ENTER, "poke_exit", LinkRequest.Edge.EXIT)
                .forEach((key, edge) -> Optional.ofNullable(values.get(key))
                        .map(value -> Poke.read(value, edge)
                                .orElseThrow(
                                        () -> wrong(value + " is not @argN=HEX, with N from 1 to 6 and at most 256 "
                                                + "bytes, further ones behind commas")))
                        .ifPresent(pokes::addAll));
        if (pokes.size() > Poke.MOST) {
            throw wrong("at most " + Poke.MOST + " arguments are poked");
        }
        return pokes;
    }

    /** Microseconds, or with a unit. */
    private Duration duration(String value) {
        if (value == null) {
            return Duration.ZERO;
        }
        Matcher parts = DELAY.matcher(value);
        if (!parts.matches()) {
            throw wrong(value + " is no time: 500 are microseconds; 1.5ms, 2s, 10us and 300ns have a unit");
        }
        int digits = switch (parts.group(2)) {
            case "s" -> 9;
            case "ms" -> 6;
            case "ns" -> 0;
            default -> 3;
        };
        BigDecimal nanos = new BigDecimal(parts.group(1)).movePointRight(digits);
        if (nanos.compareTo(LONGEST_DELAY) > 0) {
            throw wrong(value + " is longer than a year");
        }
        return Duration.ofNanos(nanos.longValue());
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

    private List<Rule.Match> matches(String set, List<PathPattern> paths, Action action, Disturbance disturbance) {
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
                Optional<String> unpointed = disturbance.pokes().stream()
                        .filter(poke -> !facts.pointsToMemory(poke.argument()))
                        .map(poke ->
                                "argument " + (poke.argument() + 1) + " of " + call.name() + " points to no memory")
                        .findFirst();
                Optional<String> obstacle = !paths.isEmpty() && facts.paths().isEmpty()
                        ? Optional.of(call.name() + " takes no path")
                        : facts.obstacle(action).or(() -> unpointed);
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
