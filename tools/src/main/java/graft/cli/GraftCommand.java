package graft.cli;

import graft.cli.fuzz.FuzzCommand;
import graft.cli.map.MapCommand;
import graft.cli.prog.LinkCommand;
import graft.cli.prog.ProgCommand;
import graft.cli.vm.VmCommand;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code graft} itself: the list of commands. */
@Command(
        name = "graft",
        addMethodSubcommands = false, // else picocli reads the annotations of all methods, Object's too
        description = "Runs eBPF inside other processes: live, no restart, and undone without a trace.",
        mixinStandardHelpOptions = true,
        version = "graft 0.1.0",
        synopsisSubcommandLabel = "COMMAND",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft demo                              see it work on a real nginx",
            "  graft doctor                            what works here",
            "  graft tls -p 4711                       decrypted traffic of a process",
            "",
            "Build and test from a source tree: graft test [--quick], graft setup [--check]"
        })
final class GraftCommand implements Runnable {
    private static final List<Class<?>> COMMANDS = List.of(
            DemoCommand.class,
            DoctorCommand.class,
            ListCommand.class,
            PlanCommand.class,
            SurveyCommand.class,
            RunCommand.class,
            TlsCommand.class,
            SyscallsCommand.class,
            PolicyCommand.class,
            MapCommand.class,
            ProgCommand.class,
            LinkCommand.class,
            LatencyCommand.class,
            CountCommand.class,
            AsmCommand.class,
            VmCommand.class,
            FuzzCommand.class,
            BenchCommand.class,
            PatchCommand.class,
            RecoverCommand.class,
            UndoCommand.class,
            ExplainCommand.class,
            CommandLine.HelpCommand.class);

    @Spec
    private CommandSpec spec;

    /**
     * The command line for {@code words}. When the first one names a command, only that one is made, otherwise those that
     * are named, and of the others what the list of commands says: reading all annotations takes longer than
     * parsing.
     */
    static CommandLine line(String... words) {
        CommandLine line = new CommandLine(new GraftCommand());
        Optional<Class<?>> only = words.length == 0
                ? Optional.empty()
                : COMMANDS.stream()
                        .filter(command -> name(command).equals(words[0]))
                        .filter(command -> command != CommandLine.HelpCommand.class)
                        .findFirst();
        if (only.isPresent()) {
            return line.addSubcommand(only.get());
        }
        for (Class<?> command : COMMANDS) {
            boolean isNamed = List.of(words).contains(name(command));
            line.addSubcommand(isNamed ? new CommandLine(command) : listed(command));
        }
        return line;
    }

    private static String name(Class<?> command) {
        return command.getAnnotation(Command.class).name();
    }

    /** No more of a command than its line in the list. */
    private static CommandLine listed(Class<?> type) {
        Command command = type.getAnnotation(Command.class);
        CommandSpec listed = CommandSpec.create().name(command.name());
        listed.usageMessage().header(command.header()).description(command.description());
        return new CommandLine(listed);
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
