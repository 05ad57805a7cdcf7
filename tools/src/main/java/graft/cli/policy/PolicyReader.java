package graft.cli.policy;

import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;

/** Reads policies from YAML, with every mistake's place. */
public final class PolicyReader {
    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";

    private final PolicyText text = new PolicyText();
    private final RuleReader rules;
    private final ActionReader actions;

    private PolicyReader(SyscallTable table, NamedConstants constants) {
        this.actions = new ActionReader(text, constants);
        this.rules = new RuleReader(text, table, constants, actions);
    }

    /** What a file says. */
    public sealed interface Reading {
        /** It is a policy. */
        record Read(Policy policy) implements Reading {}

        /** It is not, and why; at least one mistake. */
        record Wrong(List<Mistake> mistakes) implements Reading {}
    }

    /**
     * Reads a document.
     *
     * @param name of the policy when the document gives none
     */
    public static Reading read(String document, String name) {
        PolicyReader reader = new PolicyReader(SyscallTable.x8664(), NamedConstants.x8664());
        Policy policy;
        try {
            Node root = new Yaml(new LoaderOptions()).compose(new StringReader(document));
            if (root == null) {
                return new Reading.Wrong(List.of(new Mistake(1, 1, "the file is empty")));
            }
            policy = reader.policy(root, name);
        } catch (MarkedYAMLException wrong) {
            Mark mark = Optional.ofNullable(wrong.getProblemMark()).orElse(wrong.getContextMark());
            return new Reading.Wrong(
                    List.of(new Mistake(mark.getLine() + 1, mark.getColumn() + 1, wrong.getProblem())));
        } catch (YAMLException wrong) {
            return new Reading.Wrong(List.of(new Mistake(1, 1, firstLine(wrong.getMessage()))));
        }
        List<Mistake> mistakes = reader.text.mistakes();
        return mistakes.isEmpty() ? new Reading.Read(policy) : new Reading.Wrong(mistakes);
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("no YAML");
    }

    private Policy policy(Node root, String fallback) {
        Map<String, PolicyText.Field> fields = text.fields(root, Set.of("name", "default", "rules"));
        Optional<PolicyText.Field> given = Optional.ofNullable(fields.get("name"));
        String name = given.flatMap(field -> text.scalar(field.value())).orElse(fallback);
        if (!name.matches(NAME)) {
            text.mistake(
                    given.map(PolicyText.Field::value).orElse(root),
                    "a name has letters, digits, dots, - and _: \"" + name + "\"");
        }
        Action otherwise = Optional.ofNullable(fields.get("default"))
                .map(field -> actions.read(field.value()))
                .orElse(new Action.Allow());
        if (otherwise instanceof Action.Log) {
            text.mistake(fields.get("default").value(), "a default allows, denies or kills");
        }
        List<Rule> read = new ArrayList<>();
        if (!fields.containsKey("rules")) {
            text.mistake(root, "\"rules\" is missing");
        } else {
            for (Node node : text.items(fields.get("rules").value())) {
                read.add(rules.read(node, read.size() + 1, otherwise));
            }
            if (read.isEmpty() || read.size() > Policy.MOST_RULES) {
                text.mistake(fields.get("rules").value(), "a policy has 1 to " + Policy.MOST_RULES + " rules");
            }
        }
        Policy policy = new Policy(name, read, otherwise);
        if (text.mistakes().isEmpty() && RuleTables.of(policy) instanceof RuleTables.Making.TooLarge(var why)) {
            text.mistake(root, why);
        }
        return policy;
    }
}
