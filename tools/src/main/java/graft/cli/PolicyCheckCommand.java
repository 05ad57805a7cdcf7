package graft.cli;

import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.TextTable;
import graft.cli.policy.PathPattern;
import graft.cli.policy.Policy;
import graft.cli.policy.PolicyFile;
import graft.cli.policy.Rule;
import graft.syscalls.SyscallSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft policy check}: what a policy would do. */
@Command(
        name = "check",
        description = "Reads a policy and shows what it would hook; touches nothing.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft policy check web.yaml", "  graft policy check web.yaml -o json", "  graft explain P001"})
final class PolicyCheckCommand implements Runnable {
    @Parameters(paramLabel = "FILE", description = "a policy in YAML")
    private Path file;

    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        Policy policy = PolicyFile.read(file);
        if (console.format() == OutputFormat.text) {
            text(policy);
        } else {
            policy.rules().forEach(rule -> console.out().println(json(policy, rule)));
        }
    }

    private void text(Policy policy) {
        TextTable table = TextTable.of(
                TextTable.numbers("LINE"),
                TextTable.words("RULE"),
                TextTable.words("ACTION"),
                TextTable.words("PATHS"),
                TextTable.words("CALLS"));
        for (Rule rule : policy.rules()) {
            table.row(
                    Integer.toString(rule.line()),
                    rule.name(),
                    rule.effect(),
                    rule.paths().isEmpty() ? "" : paths(rule),
                    calls(rule));
        }
        table.lines().forEach(console.out()::println);
        List<SyscallSpec> hooked = policy.calls();
        console.out()
                .printf(
                        "policy %s: %d rules, %d calls hooked, default %s%n",
                        policy.name(),
                        policy.rules().size(),
                        hooked.size(),
                        policy.otherwise().text());
    }

    private static String paths(Rule rule) {
        return rule.paths().stream().map(PathPattern::text).collect(Collectors.joining(" "));
    }

    private static String calls(Rule rule) {
        return rule.matches().stream().map(match -> match.call().name()).collect(Collectors.joining(" "));
    }

    private static String json(Policy policy, Rule rule) {
        JsonWriter json = new JsonWriter().beginObject().member("type", "policy_rule");
        json.member("policy", policy.name()).member("rule", rule.name()).member("line", rule.line());
        json.member("action", rule.effect()).name("calls").beginArray();
        rule.matches().forEach(match -> json.value(match.call().name()));
        json.endArray().name("paths").beginArray();
        rule.paths().forEach(path -> json.value(path.text()));
        return json.endArray().endObject().toString();
    }
}
