package graft.cli.policy;

import graft.syscalls.SyscallSpec;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Rules for system calls. They are asked in their order; the first that allows, denies or kills decides.
 *
 * @param otherwise what becomes of calls that rules name and none decides; of other calls nothing is known
 */
public record Policy(String name, List<Rule> rules, Action otherwise) {
    /** How many rules a policy may have. */
    public static final int MOST_RULES = 64;

    public Policy {
        rules = List.copyOf(rules);
    }

    /** The calls that are hooked, by number. */
    public List<SyscallSpec> calls() {
        Set<Integer> numbers = new TreeSet<>();
        rules.forEach(
                rule -> rule.matches().forEach(match -> numbers.add(match.call().number())));
        return numbers.stream().map(this::call).toList();
    }

    private SyscallSpec call(int number) {
        return rules.stream()
                .flatMap(rule -> rule.matches().stream())
                .map(Rule.Match::call)
                .filter(call -> call.number() == number)
                .findFirst()
                .orElseThrow();
    }

    /** All paths of all rules, once each. */
    public List<PathPattern> patterns() {
        Set<PathPattern> patterns = new LinkedHashSet<>();
        rules.forEach(rule -> patterns.addAll(rule.paths()));
        return List.copyOf(patterns);
    }
}
