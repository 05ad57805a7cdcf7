package graft.cli.policy;

import graft.cli.policy.Comparisons.Number;
import graft.cli.policy.Comparisons.Sign;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;

/**
 * Something that a rule asks about each of its calls besides paths.
 *
 * @param key where it is asked
 * @param subject what it is about
 * @param values any of them has to hold
 */
record Question(Node key, Subject subject, List<ScalarNode> values) {
    private static final int PORTS = 0xffff;

    /** What can be asked about. */
    sealed interface Subject {
        /** The port of the address that the call is given. */
        record Port() implements Subject {}

        /** The machine of that address. */
        record Host() implements Subject {}

        /** The family of that address. */
        record Family() implements Subject {}

        /** An argument. */
        record Of(String argument) implements Subject {}
    }

    /** What it means for one call. */
    sealed interface Answer {
        /** The conditions, by alternative. */
        record Asked(List<List<Condition>> alternatives) implements Answer {}

        /** The call has no such thing. */
        record Impossible(Node where, String why) implements Answer {}
    }

    Answer of(SyscallSpec call, NamedConstants constants) {
        CallFacts facts = new CallFacts(call);
        if (!(subject instanceof Subject.Of) && facts.address().isEmpty()) {
            return new Answer.Impossible(key, call.name() + " is given no address; connect, bind and sendto are");
        }
        List<List<Condition>> alternatives = new ArrayList<>();
        for (ScalarNode value : values) {
            switch (one(facts, value, constants)) {
                case Answer.Impossible impossible -> {
                    return impossible;
                }
                case Answer.Asked(var more) -> alternatives.addAll(more);
            }
        }
        return new Answer.Asked(alternatives);
    }

    private Answer one(CallFacts facts, ScalarNode value, NamedConstants constants) {
        return switch (subject) {
            case Subject.Host _ ->
                HostPattern.read(value.getValue())
                        .<Answer>map(conditions -> new Answer.Asked(List.of(conditions)))
                        .orElseGet(() -> new Answer.Impossible(
                                value, "\"" + value.getValue() + "\" is no address: 10.0.0.0/8, 127.0.0.1 or ::1"));
            case Subject.Port _ ->
                switch (compared(new Number(Condition.PORT, Long.SIZE, Sign.UNSIGNED, Optional.empty()), value)) {
                    case Answer.Asked(var alternatives) ->
                        new Answer.Asked(alternatives.stream()
                                .map(Question::withRealPort)
                                .toList());
                    case Answer.Impossible impossible -> impossible;
                };
            case Subject.Family _ ->
                compared(
                        new Number(Condition.FAMILY, Long.SIZE, Sign.UNSIGNED, Optional.of(constants.set("domain"))),
                        value);
            case Subject.Of(var name) ->
                facts.number(name, constants)
                        .map(number -> compared(number, value))
                        .orElseGet(() -> new Answer.Impossible(
                                key,
                                facts.call().name() + " has no number \"" + name + "\"; it has "
                                        + (facts.numbers().isEmpty() ? "none" : String.join(", ", facts.numbers()))));
        };
    }

    private static Answer compared(Number number, ScalarNode value) {
        return switch (new Comparisons(number).read(value.getValue())) {
            case Comparisons.Reading.Understood(var alternatives) -> new Answer.Asked(alternatives);
            case Comparisons.Reading.Wrong(var why) -> new Answer.Impossible(value, why);
        };
    }

    /** An address without a port must not look like one with a large port. */
    private static List<Condition> withRealPort(List<Condition> conditions) {
        List<Condition> all = new ArrayList<>(conditions);
        boolean isExact = conditions.stream().anyMatch(one -> one.comparison() == Condition.Comparison.EQUAL);
        if (!isExact) {
            all.add(new Condition(Condition.PORT, Condition.Comparison.AT_MOST, Condition.ALL, 0, PORTS));
        }
        return all;
    }
}
