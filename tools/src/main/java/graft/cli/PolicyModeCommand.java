package graft.cli;

import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.cli.policy.Mode;
import graft.cli.policy.RunningPolicy;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft policy mode}: switches a policy that is applied. */
@Command(
        name = "mode",
        description =
                "Switches a policy that is applied to off, monitor or enforce. Off takes it out of the processes' "
                        + "code, until another mode puts it back; each stops for some microseconds.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft policy mode enforce            the only one that is applied",
            "  graft policy mode off web            the one with this name",
            "  graft policy mode monitor 5120       the one that graft process 5120 applies"
        })
final class PolicyModeCommand implements Runnable {
    @Parameters(index = "0", paramLabel = "MODE", description = "off, monitor or enforce")
    private String word;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "POLICY",
            description = "a name or a graft process's id; not needed when one is applied")
    private Optional<String> policy = Optional.empty();

    @Option(
            names = {"-y", "--yes"},
            description = "enforce even what was never in the mode monitor")
    private boolean yes;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        Mode mode =
                Mode.of(word).orElseThrow(() -> console.usageError("\"" + word + "\" is not off, monitor or enforce"));
        RunningPolicy chosen = chosen(RunningPolicy.all());
        switch (yes ? chosen.set(mode, "yes") : chosen.set(mode)) {
            case RunningPolicy.Switching.Switched(var before) ->
                console.err().printf("policy %s: %s, was %s%n", chosen.name(), mode.text(), before.text());
            case RunningPolicy.Switching.NotRehearsed _ ->
                throw Problem.of("P002", "policy " + chosen.name() + " was never in the mode monitor")
                        .remedy("graft policy mode monitor " + chosen.name() + ", look at the counters, then enforce")
                        .remedy("graft policy mode enforce " + chosen.name() + " --yes")
                        .failure();
            case RunningPolicy.Switching.Blocked(var reason) ->
                throw Problem.of("P005", "policy " + chosen.name() + " stays off")
                        .because(reason)
                        .failure();
            case RunningPolicy.Switching.Gone _ -> throw missing("policy " + chosen.name() + " has ended");
        }
    }

    private RunningPolicy chosen(List<RunningPolicy> running) {
        List<RunningPolicy> found = running.stream()
                .filter(one -> policy.isEmpty()
                        || policy.get().equals(one.name())
                        || policy.get().equals(Long.toString(one.applier())))
                .toList();
        if (found.isEmpty()) {
            throw missing("no policy" + policy.map(name -> " \"" + name + "\"").orElse("")
                    + " is applied by a process of this user");
        }
        if (found.size() > 1) {
            throw missing("several policies are applied; which one?");
        }
        return found.getFirst();
    }

    private static CommandFailure missing(String what) {
        return Problem.of("P003", what).failure();
    }
}
