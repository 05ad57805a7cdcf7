package graft.cli.policy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/** What a YAML document has where it is expected; collects what it has not. */
final class PolicyText {
    private final List<Mistake> mistakes = new ArrayList<>();

    /** A value and the place of its key. */
    record Field(Node key, Node value) {}

    List<Mistake> mistakes() {
        return List.copyOf(mistakes);
    }

    void mistake(Node where, String what) {
        Mark mark = where.getStartMark();
        mistakes.add(new Mistake(mark.getLine() + 1, mark.getColumn() + 1, what));
    }

    /** The fields of a mapping; others than {@code known} are mistakes. */
    Map<String, Field> fields(Node node, Set<String> known) {
        Map<String, Field> fields = new LinkedHashMap<>();
        if (!(node instanceof MappingNode mapping)) {
            mistake(
                    node,
                    "expected " + String.join(", ", known.stream().sorted().toList()) + " with a colon behind");
            return fields;
        }
        for (NodeTuple tuple : mapping.getValue()) {
            String key = scalar(tuple.getKeyNode()).orElse("");
            if (!known.isEmpty() && !known.contains(key)) {
                mistake(
                        tuple.getKeyNode(),
                        "unknown key \"" + key + "\"; known are "
                                + String.join(", ", known.stream().sorted().toList()));
            } else if (fields.put(key, new Field(tuple.getKeyNode(), tuple.getValueNode())) != null) {
                mistake(tuple.getKeyNode(), "\"" + key + "\" is there twice");
            }
        }
        return fields;
    }

    /** A word; the empty text is none. */
    Optional<String> scalar(Node node) {
        if (node instanceof ScalarNode scalar && !scalar.getValue().isEmpty()) {
            return Optional.of(scalar.getValue());
        }
        mistake(node, "expected a word");
        return Optional.empty();
    }

    /** A word or a list of words, each with its place. */
    List<ScalarNode> scalars(Node node) {
        List<ScalarNode> scalars = new ArrayList<>();
        List<Node> nodes = node instanceof SequenceNode sequence ? sequence.getValue() : List.of(node);
        for (Node one : nodes) {
            if (scalar(one).isPresent() && one instanceof ScalarNode scalar) {
                scalars.add(scalar);
            }
        }
        if (nodes.isEmpty()) {
            mistake(node, "the list is empty");
        }
        return scalars;
    }

    /** A list. */
    List<Node> items(Node node) {
        if (node instanceof SequenceNode sequence) {
            return sequence.getValue();
        }
        mistake(node, "expected a list: lines that begin with \"- \"");
        return List.of();
    }
}
