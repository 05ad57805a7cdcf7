package graft.cli;

import graft.cli.option.OutputFormat;
import graft.cli.option.OutputOptions;
import graft.cli.output.JsonWriter;
import graft.cli.output.Quantity;
import graft.cli.output.TextTable;
import graft.cli.policy.RunningPolicy;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft policy list}: what is applied now. */
@Command(
        name = "list",
        description = "Shows the policies that are applied now, and their counters.",
        footerHeading = "%nExamples:%n",
        footer = {"  graft policy list", "  graft policy list -o json", "  watch graft policy list"})
final class PolicyListCommand implements Runnable {
    @Mixin
    private OutputOptions console;

    @Override
    public void run() {
        List<RunningPolicy> running = RunningPolicy.all();
        if (console.format() == OutputFormat.text) {
            text(running);
        } else {
            running.forEach(this::json);
        }
    }

    private void text(List<RunningPolicy> running) {
        TextTable table = TextTable.of(
                TextTable.words("POLICY"),
                TextTable.numbers("GRAFT"),
                TextTable.words("PIDS"),
                TextTable.words("MODE"),
                TextTable.words("RULE"),
                TextTable.words("ACTION"),
                TextTable.numbers("MATCHED"),
                TextTable.numbers("WOULD DENY"),
                TextTable.numbers("DENIED"));
        for (RunningPolicy policy : running) {
            for (RunningPolicy.RuleState rule : policy.rules()) {
                table.row(
                        policy.name(),
                        Long.toString(policy.applier()),
                        policy.targets(),
                        policy.mode().text(),
                        rule.name(),
                        rule.action(),
                        Quantity.count(rule.counts().matched()),
                        Quantity.count(rule.counts().wouldDeny()),
                        Quantity.count(rule.counts().denied()));
            }
        }
        if (running.isEmpty()) {
            console.err().println("no policy is applied");
        } else {
            table.lines().forEach(console.out()::println);
        }
    }

    private void json(RunningPolicy policy) {
        for (RunningPolicy.RuleState rule : policy.rules()) {
            JsonWriter json = new JsonWriter().beginObject().member("type", "policy_state");
            json.member("policy", policy.name()).id("graft", policy.applier());
            json.member("mode", policy.mode().text()).member("pids", policy.targets());
            json.member("rule", rule.name()).member("action", rule.action());
            json.id("matched", rule.counts().matched());
            json.id("would_deny", rule.counts().wouldDeny());
            json.id("denied", rule.counts().denied());
            console.out().println(json.endObject());
        }
    }
}
