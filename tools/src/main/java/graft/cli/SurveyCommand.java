package graft.cli;

import graft.cli.error.Problem;
import graft.cli.option.HelpOptions;
import graft.cli.output.TextTable;
import graft.daemon.PlacementSurvey;
import graft.platform.elf.ElfFormatException;
import graft.rewriter.PatchSite.Tactic;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft survey}: which functions of a file can be probed, and how. */
@Command(
        name = "survey",
        description = "Plans a probe of every function of a file and counts how; touches no process.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft survey /usr/lib/x86_64-linux-gnu/libc.so.6",
            "  graft survey --refused /usr/sbin/nginx      each function without a place, and why"
        })
final class SurveyCommand implements Runnable {
    private static final String ROW = "| %s |%n";

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "programs and libraries")
    private List<Path> files;

    @Option(names = "--refused", description = "list the functions without a place, and why")
    private boolean listRefused;

    @Option(names = "--markdown", description = "print the tables as Markdown")
    private boolean markdown;

    @Mixin
    private HelpOptions console;

    @Override
    public void run() {
        List<Surveyed> all = files.stream().map(SurveyCommand::survey).toList();
        TextTable entries = TextTable.of(
                TextTable.words("entry probes"),
                TextTable.numbers("functions"),
                TextTable.numbers("nop"),
                TextTable.numbers("one instruction"),
                TextTable.numbers("jump retargeted"),
                TextTable.numbers("several"),
                TextTable.numbers("short jump"),
                TextTable.numbers("neighbour"),
                TextTable.numbers("refused"),
                TextTable.numbers("refused %"),
                TextTable.numbers("us/function"));
        all.forEach(one -> entries.row(one.entryRow()));
        TextTable returns = TextTable.of(
                TextTable.words("return probes"),
                TextTable.numbers("at exits"),
                TextTable.numbers("call wrapped"),
                TextTable.numbers("refused"));
        all.forEach(one -> returns.row(one.returnRow()));
        print(entries);
        console.out().println();
        print(returns);
        if (listRefused) {
            all.forEach(this::printRefused);
        }
    }

    private static Surveyed survey(Path file) {
        try {
            return new Surveyed(file, PlacementSurvey.of(file));
        } catch (ElfFormatException | UncheckedIOException failed) {
            throw Problem.of("L001", "cannot survey " + file)
                    .because(failed.getMessage())
                    .failure();
        }
    }

    private void print(TextTable table) {
        PrintWriter out = console.out();
        if (!markdown) {
            table.lines().forEach(out::println);
            return;
        }
        List<List<String>> rows = table.cells();
        out.printf(ROW, String.join(" | ", rows.getFirst()));
        out.printf(ROW, String.join(" | ", table.markdownRule()));
        rows.stream().skip(1).forEach(row -> out.printf(ROW, String.join(" | ", row)));
    }

    private void printRefused(Surveyed one) {
        PrintWriter out = console.out();
        String name = one.name();
        one.survey()
                .refusedEntries()
                .forEach(refused -> out.printf(
                        "entry   %s:%s %s: %s%n", name, refused.function(), refused.reason(), refused.why()));
        one.survey()
                .refusedReturns()
                .forEach(refused -> out.printf(
                        "return  %s:%s %s: %s%n", name, refused.function(), refused.reason(), refused.why()));
    }

    /** A file and what was found. */
    private record Surveyed(Path file, PlacementSurvey survey) {
        String name() {
            return file.getFileName().toString();
        }

        String[] entryRow() {
            int refused = survey.refusedEntries().size();
            double percent = survey.functions() == 0 ? 0 : 100.0 * refused / survey.functions();
            return new String[] {
                name(),
                number(survey.functions()),
                tactic(Tactic.PADDING_NOP),
                tactic(Tactic.SINGLE_INSN),
                tactic(Tactic.RETARGET),
                tactic(Tactic.WINDOW),
                tactic(Tactic.SHORT_JUMP),
                tactic(Tactic.NEIGHBOUR),
                number(refused),
                String.format(Locale.ROOT, "%.2f", percent),
                number(survey.planning().toNanos() / 1000 / Math.max(1, survey.functions()))
            };
        }

        String[] returnRow() {
            return new String[] {
                name(),
                number(survey.returns().getOrDefault(PlacementSurvey.ReturnMode.EXITS, 0)),
                number(survey.returns().getOrDefault(PlacementSurvey.ReturnMode.WRAPPED, 0)),
                number(survey.refusedReturns().size())
            };
        }

        private String tactic(Tactic tactic) {
            return number(survey.entries().getOrDefault(tactic, 0));
        }

        private static String number(long value) {
            return String.format(Locale.ROOT, "%,d", value);
        }
    }
}
