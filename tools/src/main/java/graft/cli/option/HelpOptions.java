package graft.cli.option;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code --help}, and where the command's output goes. */
public sealed class HelpOptions permits OutputOptions {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    private boolean help;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** For picocli. */
    public HelpOptions() {}

    /** For data. */
    public PrintWriter out() {
        return command.commandLine().getOut();
    }

    /** For everything else. */
    public PrintWriter err() {
        return command.commandLine().getErr();
    }

    /** The failure of a command line that cannot be understood. */
    public ParameterException usageError(String what) {
        return new ParameterException(command.commandLine(), what);
    }
}
