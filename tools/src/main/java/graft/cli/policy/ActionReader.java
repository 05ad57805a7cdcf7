package graft.cli.policy;

import graft.syscalls.NamedConstants;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;

/** Reads actions: {@code allow}, {@code log}, {@code kill}, {@code deny: EACCES}. */
final class ActionReader {
    private static final Action NONE = new Action.Allow(); // for what is a mistake

    private final PolicyText text;
    private final NamedConstants constants;

    ActionReader(PolicyText text, NamedConstants constants) {
        this.text = text;
        this.constants = constants;
    }

    Action read(Node node) {
        if (node instanceof MappingNode) {
            Map<String, PolicyText.Field> fields = text.fields(node, Set.of("deny"));
            return Optional.ofNullable(fields.get("deny"))
                    .map(field -> denial(field.value()))
                    .orElse(NONE);
        }
        return switch (text.scalar(node).orElse("allow")) {
            case "allow" -> NONE;
            case "log" -> new Action.Log();
            case "kill" -> new Action.Kill();
            default -> {
                text.mistake(node, "an action is allow, log, kill or \"deny: ERRNO\"");
                yield NONE;
            }
        };
    }

    Action denial(Node node) {
        String name = text.scalar(node).orElse("");
        Optional<Action> denial = denial(constants, name);
        if (denial.isEmpty()) {
            text.mistake(node, "\"" + name + "\" is no error; EACCES, EPERM, ENOENT and ECONNREFUSED are some");
        }
        return denial.orElse(NONE);
    }

    /** That calls fail with an error. */
    static Optional<Action> denial(NamedConstants constants, String name) {
        return constants
                .set("errno")
                .find(name)
                .filter(constant -> constant.value() > 0 && constant.value() < 512) // others never leave the kernel
                .map(constant -> new Action.Deny(name, (int) constant.value()));
    }
}
