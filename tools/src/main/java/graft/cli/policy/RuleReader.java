package graft.cli.policy;

import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallSpec;
import graft.syscalls.SyscallTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.ScalarNode;

/** Reads one rule. What a call named by itself cannot be asked is a mistake; calls of a group are left out then. */
final class RuleReader {
    private static final Set<String> KEYS = Set.of(
            "name",
            "calls",
            "path",
            "port",
            "address",
            "family",
            "where",
            "deny",
            "redirect",
            "signal",
            "action",
            "log");

    private static final List<String> DECISIONS = List.of("deny", "redirect", "action");

    private static final int MOST_ALTERNATIVES = 256;

    private final PolicyText text;
    private final SyscallTable table;
    private final NamedConstants constants;
    private final ActionReader actions;

    RuleReader(PolicyText text, SyscallTable table, NamedConstants constants, ActionReader actions) {
        this.text = text;
        this.table = table;
        this.constants = constants;
        this.actions = actions;
    }

    /** @param otherwise the policy's default, which its calls may get */
    Rule read(Node node, int number, Action otherwise) {
        Map<String, PolicyText.Field> fields = text.fields(node, KEYS);
        String name = word(fields, "name").orElse("rule " + number).replaceAll("\\p{Cntrl}", "?");
        Action action = action(node, fields);
        List<PathPattern> paths = words(fields, "path").stream()
                .map(word -> new PathPattern(word.getValue()))
                .toList();
        Asked asked = new Asked(paths, questions(fields), List.of(action, otherwise));
        List<Rule.Match> matches = new ArrayList<>();
        if (!fields.containsKey("calls")) {
            text.mistake(node, "\"calls\" is missing: names of system calls, or groups like %file");
        } else {
            matches.addAll(matches(words(fields, "calls"), asked));
        }
        Rule.Report report = action instanceof Action.Log || flag(fields, "log") ? Rule.Report.EACH : Rule.Report.NEVER;
        int line = node.getStartMark().getLine() + 1;
        return new Rule(name, line, matches, paths, action, report, Rule.Turns.ALL, disturbance(fields));
    }

    /** What a rule wants of its calls. */
    private record Asked(List<PathPattern> paths, List<Question> questions, List<Action> actions) {}

    private Action action(Node node, Map<String, PolicyText.Field> fields) {
        List<String> given = DECISIONS.stream().filter(fields::containsKey).toList();
        boolean onlySignals = given.isEmpty() && fields.containsKey("signal");
        if (given.size() != 1 && !onlySignals) {
            text.mistake(
                    node,
                    "a rule has one of \"deny: ERRNO\", \"redirect: PATH\", \"signal: NAME\" and "
                            + "\"action: allow|log|kill\"; signal may be beside deny");
            return new Action.Allow();
        }
        if (onlySignals) {
            return new Action.Allow();
        }
        Node value = fields.get(given.getFirst()).value();
        return switch (given.getFirst()) {
            case "deny" -> actions.denial(value);
            case "redirect" -> redirection(node, fields, value);
            default -> actions.read(value);
        };
    }

    private Action redirection(Node node, Map<String, PolicyText.Field> fields, Node value) {
        String path = text.scalar(value).orElse("");
        Optional<String> wrong = Action.Redirect.mistake(path);
        wrong.ifPresent(why -> text.mistake(value, why));
        if (!fields.containsKey("path")) {
            text.mistake(node, "what is redirected are the paths that \"path\" names, which is missing");
        }
        return new Action.Redirect(path);
    }

    private Disturbance disturbance(Map<String, PolicyText.Field> fields) {
        Optional<String> name = word(fields, "signal");
        if (name.isEmpty()) {
            return Disturbance.NONE;
        }
        Node node = fields.get("signal").value();
        if (fields.containsKey("redirect") || fields.containsKey("action")) {
            text.mistake(node, "a signal is sent alone or beside \"deny\"");
        }
        Optional<Disturbance.Signal> signal = SignalReader.read(constants, name.get());
        if (signal.isEmpty()) {
            text.mistake(node, "\"" + name.get() + "\" is no signal; SIGUSR1, SIGSTOP and SIGRTMIN are some");
        }
        return signal.map(Disturbance::with).orElse(Disturbance.NONE);
    }

    private boolean flag(Map<String, PolicyText.Field> fields, String key) {
        String word = word(fields, key).orElse("false");
        if (!word.equals("true") && !word.equals("false")) {
            text.mistake(fields.get(key).value(), "\"" + key + "\" is true or false");
        }
        return word.equals("true");
    }

    private Optional<String> word(Map<String, PolicyText.Field> fields, String key) {
        return Optional.ofNullable(fields.get(key)).flatMap(field -> text.scalar(field.value()));
    }

    private List<ScalarNode> words(Map<String, PolicyText.Field> fields, String key) {
        return Optional.ofNullable(fields.get(key))
                .map(field -> text.scalars(field.value()))
                .orElse(List.of());
    }

    private List<Question> questions(Map<String, PolicyText.Field> fields) {
        Map<String, Question.Subject> subjects = new LinkedHashMap<>();
        subjects.put("port", new Question.Subject.Port());
        subjects.put("address", new Question.Subject.Host());
        subjects.put("family", new Question.Subject.Family());
        List<Question> questions = new ArrayList<>();
        subjects.forEach((key, subject) -> Optional.ofNullable(fields.get(key))
                .ifPresent(field -> questions.add(new Question(field.key(), subject, text.scalars(field.value())))));
        Optional.ofNullable(fields.get("where"))
                .map(field -> text.fields(field.value(), Set.of()))
                .ifPresent(arguments -> arguments.forEach((name, field) -> questions.add(
                        new Question(field.key(), new Question.Subject.Of(name), text.scalars(field.value())))));
        return questions;
    }

    private List<Rule.Match> matches(List<ScalarNode> words, Asked asked) {
        Map<Integer, Rule.Match> matches = new TreeMap<>();
        for (ScalarNode word : words) {
            String name = word.getValue();
            List<SyscallSpec> calls = name.startsWith("%")
                    ? group(name.substring(1))
                    : table.call(name).map(List::of).orElse(List.of());
            if (calls.isEmpty()) {
                text.mistake(word, "\"" + name + "\" is neither a system call nor a group; groups are " + groups());
                continue;
            }
            List<Question.Answer.Impossible> left = new ArrayList<>();
            List<Rule.Match> found = new ArrayList<>();
            for (SyscallSpec call : calls) {
                match(call, asked, word, left).ifPresent(found::add);
            }
            if (!left.isEmpty() && (found.isEmpty() || !name.startsWith("%"))) {
                text.mistake(left.getFirst().where(), left.getFirst().why());
            }
            found.forEach(match -> matches.put(match.call().number(), match));
        }
        return List.copyOf(matches.values());
    }

    private List<SyscallSpec> group(String name) {
        String group = name.equals("network") ? "net" : name;
        return table.calls().stream()
                .filter(call -> call.groups().contains(group))
                .toList();
    }

    private String groups() {
        Set<String> groups = new TreeSet<>();
        table.calls().forEach(call -> groups.addAll(call.groups()));
        return "%" + String.join(", %", groups);
    }

    private Optional<Rule.Match> match(
            SyscallSpec call, Asked asked, Node word, List<Question.Answer.Impossible> left) {
        CallFacts facts = new CallFacts(call);
        Optional<String> obstacle = asked.actions().stream()
                .map(facts::obstacle)
                .flatMap(Optional::stream)
                .findFirst();
        if (obstacle.isEmpty() && !asked.paths().isEmpty() && facts.paths().isEmpty()) {
            obstacle = Optional.of(call.name() + " takes no path");
        }
        if (obstacle.isPresent()) {
            left.add(new Question.Answer.Impossible(word, obstacle.get()));
            return Optional.empty();
        }
        List<List<Condition>> rows = List.of(List.of());
        for (Question question : asked.questions()) {
            switch (question.of(call, constants)) {
                case Question.Answer.Impossible impossible -> {
                    left.add(impossible);
                    return Optional.empty();
                }
                case Question.Answer.Asked(var alternatives) -> {
                    if (rows.size() * alternatives.size() > MOST_ALTERNATIVES) {
                        left.add(new Question.Answer.Impossible(
                                question.key(), "more than " + MOST_ALTERNATIVES + " combinations; make two rules"));
                        return Optional.empty();
                    }
                    rows = product(rows, alternatives);
                }
            }
        }
        return Optional.of(new Rule.Match(call, rows));
    }

    private static List<List<Condition>> product(List<List<Condition>> rows, List<List<Condition>> alternatives) {
        List<List<Condition>> product = new ArrayList<>();
        for (List<Condition> row : rows) {
            for (List<Condition> more : alternatives) {
                List<Condition> both = new ArrayList<>(row);
                both.addAll(more);
                product.add(both);
            }
        }
        return product;
    }
}
