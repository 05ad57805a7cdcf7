package graft.cli.policy;

import graft.syscalls.SyscallSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A policy as the maps of {@code policy.bpf.c}: {@code struct row}, {@code struct hooked}, {@code struct automaton}. */
public final class RuleTables {
    /** Which counter the policy's default has. */
    static final int DEFAULT_COUNTER = Policy.MOST_RULES;

    private static final int ROW_BYTES = 240;
    private static final int HOOKED_BYTES = 16;
    private static final int CONDITIONS_AT = 48;
    private static final int CONDITION_BYTES = 32;
    private static final int MOST_CONDITIONS = 6;
    private static final int MOST_ROWS = 4095;
    private static final int EPERM = 1;

    private final List<byte[]> rows = new ArrayList<>();
    private final Map<Integer, byte[]> hooked = new LinkedHashMap<>(); // by number of the call
    private final List<PathPattern> patterns;
    private final PathAutomaton automaton;

    private RuleTables(List<PathPattern> patterns, PathAutomaton automaton) {
        this.patterns = patterns;
        this.automaton = automaton;
    }

    /** The outcome of making them. */
    public sealed interface Making {
        /** The policy fits. */
        record Made(RuleTables tables) implements Making {}

        /** It does not. */
        record TooLarge(String why) implements Making {}
    }

    /** The tables of a policy. */
    public static Making of(Policy policy) {
        List<PathPattern> patterns = policy.patterns();
        return switch (PathAutomaton.of(patterns)) {
            case PathAutomaton.Making.TooLarge(var why) -> new Making.TooLarge(why);
            case PathAutomaton.Making.Made(var automaton) -> {
                RuleTables tables = new RuleTables(patterns, automaton);
                policy.calls().forEach(call -> tables.add(policy, call));
                if (tables.rows.size() > MOST_ROWS) {
                    yield new Making.TooLarge(tables.rows.size()
                            + " rows, one for each call and alternative of a rule; " + MOST_ROWS + " are possible");
                }
                yield tables.mostConditions(policy) > MOST_CONDITIONS
                        ? new Making.TooLarge("a rule asks about " + tables.mostConditions(policy)
                                + " things of a call; " + MOST_CONDITIONS + " are possible")
                        : new Making.Made(tables);
            }
        };
    }

    private int mostConditions(Policy policy) {
        return policy.rules().stream()
                .flatMap(rule -> rule.matches().stream())
                .flatMap(match -> match.alternatives().stream())
                .mapToInt(List::size)
                .max()
                .orElse(0);
    }

    private void add(Policy policy, SyscallSpec call) {
        int first = rows.size();
        boolean asksPaths = false;
        for (int number = 0; number < policy.rules().size(); number++) {
            Rule rule = policy.rules().get(number);
            for (Rule.Match match : rule.matches()) {
                if (match.call().number() == call.number()) {
                    asksPaths |= !rule.paths().isEmpty();
                    for (List<Condition> conditions : match.alternatives()) {
                        rows.add(row(number, rule, conditions));
                    }
                }
            }
        }
        if (policy.otherwise().prevents()) {
            ByteBuffer row = ByteBuffer.allocate(ROW_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            row.putInt(0, DEFAULT_COUNTER);
            rows.add(decided(row, policy.otherwise(), Rule.Turns.ALL).array());
        }
        hooked.put(call.number(), hooked(policy, call, first, asksPaths ? new CallFacts(call).paths() : List.of()));
    }

    private byte[] hooked(Policy policy, SyscallSpec call, int first, List<Integer> paths) {
        ByteBuffer out = ByteBuffer.allocate(HOOKED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(0, first).putInt(4, rows.size() - first).put(8, (byte) paths.size());
        for (int i = 0; i < paths.size(); i++) {
            out.put(9 + i, paths.get(i).byteValue());
        }
        CallFacts facts = new CallFacts(call);
        facts.address().ifPresent(argument -> {
            out.put(11, (byte) 1).put(12, (byte) argument);
            out.put(13, (byte) facts.addressLength(argument).orElseThrow());
        });
        boolean isConcluded = policy.rules().stream()
                .filter(rule -> rule.disturbance().endsBehind())
                .flatMap(rule -> rule.matches().stream())
                .anyMatch(match -> match.call().number() == call.number());
        return out.putShort(14, (short) (isConcluded ? 1 : 0)).array();
    }

    private byte[] row(int number, Rule rule, List<Condition> conditions) {
        ByteBuffer row = ByteBuffer.allocate(ROW_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        row.putInt(0, number).putInt(16, Math.min(conditions.size(), MOST_CONDITIONS));
        boolean isKill = rule.action() instanceof Action.Kill;
        row.putInt(20, isKill || rule.report() == Rule.Report.EACH ? 1 : 0);
        row.putInt(32, rule.disturbance().equals(Disturbance.NONE) ? 0 : 1);
        long bits = 0;
        for (PathPattern path : rule.paths()) {
            bits |= 1L << patterns.indexOf(path);
        }
        row.putLong(24, bits);
        for (int i = 0; i < Math.min(conditions.size(), MOST_CONDITIONS); i++) {
            Condition condition = conditions.get(i);
            int at = CONDITIONS_AT + i * CONDITION_BYTES;
            row.putInt(at, condition.source())
                    .putInt(at + 4, condition.comparison().ordinal());
            row.putLong(at + 8, condition.mask()).putLong(at + 16, condition.flip());
            row.putLong(at + 24, condition.value());
        }
        return decided(row, rule.action(), rule.turns()).array();
    }

    private static ByteBuffer decided(ByteBuffer row, Action action, Rule.Turns turns) {
        switch (action) {
            case Action.Allow _ -> row.putInt(4, 0);
            case Action.Deny(var _, var error) -> row.putInt(4, 1).putLong(8, -error);
            case Action.Return(var value) -> row.putInt(4, 1).putLong(8, value);
            case Action.Log _ -> row.putInt(4, 2);
            case Action.Kill _ -> row.putInt(4, 3).putLong(8, -EPERM);
            case Action.Redirect _ -> row.putInt(4, 4);
        }
        return row.putInt(36, turns.first()).putInt(40, turns.last()).putInt(44, turns.step());
    }

    /** The rows, a call's next to each other. */
    public List<byte[]> rows() {
        return List.copyOf(rows);
    }

    /** What is asked about each hooked call, by its number. */
    public Map<Integer, byte[]> hooked() {
        return Map.copyOf(hooked);
    }

    /** The paths' automaton. */
    public PathAutomaton automaton() {
        return automaton;
    }
}
