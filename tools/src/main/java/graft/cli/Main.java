package graft.cli;

import graft.cli.error.Catalogue;
import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.cli.process.Interruption;
import graft.daemon.control.RemoteSession;
import graft.ebpf.maps.DamagedMapException;
import graft.platform.linux.SysException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine;

/** Starts the command: parses, runs, turns whatever goes wrong into a coded message and an exit status. */
public final class Main {
    private static final int EPERM = 1;
    private static final int ESRCH = 3;
    private static final int EACCES = 13;

    /** Of each exception in a report. */
    private static final int SHOWN_FRAMES = 6;

    private Main() {}

    /** The process's entry. */
    public static void main(String[] args) {
        Locale.setDefault(Locale.ROOT); // output is for programs and for all people alike: 1,234.5 everywhere
        PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int status = run(out, err, args);
        out.flush();
        err.flush();
        if (Interruption.isEnding()) {
            Runtime.getRuntime().halt(status); // the hooks wait for this thread
        }
        System.exit(status);
    }

    /** Runs one command line with the given outputs and returns the exit status. */
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        CommandLine line = GraftCommand.line(args);
        line.setOut(out).setErr(err);
        line.setUsageHelpAutoWidth(false).setUsageHelpWidth(100);
        line.setParameterExceptionHandler((failure, _) -> report(failure.getCommandLine(), usage(failure), args));
        line.setExecutionExceptionHandler((failure, command, _) -> report(command, problem(failure), args));
        return line.execute(args);
    }

    private static int report(CommandLine command, Problem problem, String... args) {
        Catalogue catalogue = Catalogue.packaged();
        PrintWriter err = command.getErr();
        err.println(wantsJson(args) ? problem.json(catalogue) : problem.text(catalogue));
        err.flush();
        return problem.exitStatus(catalogue);
    }

    /** Before parsing has succeeded nobody knows the options, so the words themselves are asked. */
    private static boolean wantsJson(String... args) {
        List<String> words = List.of(args);
        int option = Math.max(words.indexOf("-o"), words.indexOf("--output"));
        boolean apart = option >= 0
                && option + 1 < words.size()
                && words.get(option + 1).startsWith("json");
        return apart || words.stream().anyMatch(word -> word.startsWith("-ojson") || word.startsWith("--output=json"));
    }

    private static Problem usage(CommandLine.ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        String name = command.getCommandSpec().qualifiedName();
        Problem problem = Problem.of("U001", name + ": " + firstLine(failure.getMessage()));
        if (failure instanceof CommandLine.UnmatchedArgumentException unmatched) {
            for (String near : NearestOption.to(unmatched.getUnmatched(), command.getCommandSpec())) {
                problem = problem.remedy(name + " " + near);
            }
        }
        return problem.because("the options and values are in: " + name + " --help");
    }

    /** What an exception means to a user. Unknown ones are our bugs and keep their stack trace. */
    static Problem problem(Exception failure) {
        return switch (failure) {
            case CommandFailure known -> known.problem();
            case DamagedMapException damaged ->
                Problem.of("M002", "map " + damaged.map() + " is damaged").because(damaged.getMessage());
            case SysException call
            when call.is(EPERM) || call.is(EACCES) ->
                Problem.of("D003", call.doing()).because(call.getMessage());
            case SysException call
            when call.is(ESRCH) -> Problem.of("T002", call.doing()).because(call.getMessage());
            case RemoteSession.GoneException gone -> Problem.of("M007", gone.getMessage());
            default -> bug(failure);
        };
    }

    private static Problem bug(Exception failure) {
        Problem problem = Problem.of("B001", failure.toString());
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause != failure) {
                problem = problem.because("caused by " + cause);
            }
            for (StackTraceElement frame :
                    Arrays.stream(cause.getStackTrace()).limit(SHOWN_FRAMES).toList()) {
                problem = problem.because("at " + frame);
            }
        }
        return problem;
    }

    private static String firstLine(String text) {
        return text.lines().findFirst().orElse("").strip();
    }
}
