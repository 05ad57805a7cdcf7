package graft.cli;

import graft.cli.output.JsonWriter;
import graft.cli.output.TextTable;
import graft.daemon.SyscallSurvey;
import graft.platform.address.RemoteAddress;
import graft.syscalls.SyscallTable;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Prints where the system calls of a process can be hooked: every site, then what is covered, file by file. */
final class SyscallPlanPrinter {
    private static final SyscallTable NAMES = SyscallTable.x8664();

    private final PrintWriter out;
    private final SyscallSurvey survey;

    SyscallPlanPrinter(PrintWriter out, SyscallSurvey survey) {
        this.out = out;
        this.survey = survey;
    }

    /** For people. */
    void text() {
        for (SyscallSurvey.Module module : survey.modules()) {
            out.println(module.path());
            TextTable table = TextTable.of(
                    TextTable.words("  site"),
                    TextTable.words("call"),
                    TextTable.words("in"),
                    TextTable.words("before"),
                    TextTable.words("behind"));
            module.sites()
                    .forEach(site -> table.row(
                            "  " + site.site().address(),
                            call(site),
                            place(site),
                            words(site.before()),
                            words(site.behind())));
            table.lines().forEach(out::println);
        }
        survey.modules().forEach(this::uncovered);
        summary().lines().forEach(out::println);
    }

    private void uncovered(SyscallSurvey.Module module) {
        for (SyscallSurvey.Site site : module.sites()) {
            why(site)
                    .forEach((side, why) -> out.printf(
                            "not covered: %s %s (%s) in %s of %s: %s%n",
                            side, site.site().address(), call(site), place(site), module.path(), why));
        }
        for (RemoteAddress place : module.unclear()) {
            out.printf(
                    "not clear: %s of %s may be a system call: the code around it is not understood%n",
                    place, module.path());
        }
    }

    private static Map<String, String> why(SyscallSurvey.Site site) {
        Map<String, String> why = new TreeMap<>();
        if (site.before() instanceof SyscallSurvey.Side.Refused(var reason)) {
            why.put("before", reason);
        }
        if (site.behind() instanceof SyscallSurvey.Side.Refused(var reason)) {
            why.put("behind", reason);
        }
        return why;
    }

    private TextTable summary() {
        for (SyscallSurvey.NotLooked one : survey.notLooked()) {
            out.printf("not looked at: %d KiB at %s, %s: %s%n", one.size() / 1024, one.start(), one.what(), one.why());
        }
        TextTable table = TextTable.of(
                TextTable.words("file"),
                TextTable.numbers("sites"),
                TextTable.numbers("never"),
                TextTable.numbers("both sides"),
                TextTable.numbers("before"),
                TextTable.numbers("behind"),
                TextTable.numbers("covered %"),
                TextTable.numbers("not clear"));
        survey.modules().forEach(module -> row(table, module.path(), List.of(module)));
        row(table, "all", survey.modules());
        return table;
    }

    private static void row(TextTable table, String name, List<SyscallSurvey.Module> modules) {
        List<SyscallSurvey.Site> sites =
                modules.stream().flatMap(module -> module.sites().stream()).toList();
        long never = sites.stream()
                .filter(site -> site.before() instanceof SyscallSurvey.Side.Excluded)
                .count();
        long before = sites.stream().filter(site -> isHooked(site.before())).count();
        long behind = sites.stream().filter(site -> isHooked(site.behind())).count();
        long both = sites.stream()
                .filter(site -> isHooked(site.before()) && !(site.behind() instanceof SyscallSurvey.Side.Refused))
                .count();
        long wanted = sites.size() - never;
        table.row(
                name,
                Long.toString(sites.size()),
                Long.toString(never),
                Long.toString(both),
                Long.toString(before),
                Long.toString(behind),
                wanted == 0 ? "-" : String.format(Locale.ROOT, "%.1f", 100.0 * both / wanted),
                Long.toString(modules.stream()
                        .mapToLong(module -> module.unclear().size())
                        .sum()));
    }

    private static boolean isHooked(SyscallSurvey.Side side) {
        return side instanceof SyscallSurvey.Side.Hooked;
    }

    private static String call(SyscallSurvey.Site site) {
        return site.site().number().isEmpty()
                ? "any"
                : NAMES.name(site.site().number().getAsInt())
                        .orElse(Integer.toString(site.site().number().getAsInt()));
    }

    private static String place(SyscallSurvey.Site site) {
        return site.site().function() + "+"
                + site.site().address().minus(site.site().regionStart());
    }

    private static String words(SyscallSurvey.Side side) {
        return switch (side) {
            case SyscallSurvey.Side.Hooked(var tactic) ->
                tactic.name().toLowerCase(Locale.ROOT).replace('_', ' ');
            case SyscallSurvey.Side.Refused _ -> "not covered";
            case SyscallSurvey.Side.Excluded _ -> "never";
        };
    }

    /** For programs: one object for each site, then one for what was not looked at. */
    void jsonLines() {
        for (SyscallSurvey.Module module : survey.modules()) {
            module.sites().forEach(site -> json(module, site));
            for (RemoteAddress place : module.unclear()) {
                JsonWriter json = begin("unclear").member("file", module.path());
                out.println(json.address("address", place.value()).endObject());
            }
        }
        for (SyscallSurvey.NotLooked one : survey.notLooked()) {
            JsonWriter json =
                    begin("not_looked_at").address("address", one.start().value());
            out.println(json.member("length", one.size())
                    .member("what", one.what())
                    .member("why", one.why())
                    .endObject());
        }
    }

    private JsonWriter begin(String type) {
        return new JsonWriter().beginObject().member("type", type).member("pid", survey.pid());
    }

    private void json(SyscallSurvey.Module module, SyscallSurvey.Site site) {
        JsonWriter json = begin("syscall").member("file", module.path());
        json.address("address", site.site().address().value()).member("call", call(site));
        json.member("place", place(site)).member("before", words(site.before())).member("behind", words(site.behind()));
        why(site).forEach((side, why) -> json.member("why_not_" + side, why));
        out.println(json.endObject());
    }
}
