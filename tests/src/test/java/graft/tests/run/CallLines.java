package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The lines of a trace by thread, in a form that the traces of strace and of graft share. */
final class CallLines {
    private static final Pattern LINE = Pattern.compile("\\S+ +(\\d+) (\\w+\\(.*)");
    private static final Pattern DURATION = Pattern.compile("  [0-9.]+ (ns|µs|ms|s)$");
    private static final Pattern FLAGS = Pattern.compile("[A-Z_][A-Z0-9_]*(\\|[A-Za-z0-9_]+)+");

    /**
     * What strace adds: what was found in a folder, what a new thread and a signal's frame hold, how much room there was
     * for a socket's address.
     */
    private static final Pattern MORE =
            Pattern.compile(" /\\* \\d+ entries \\*/| => \\{parent_tid=\\[\\d+\\]\\}|\\{mask=~?\\[.*\\]\\}"
                    + "|(?<= \\[)\\d+ => (?=\\d+\\])");

    private static final Pattern FORK = Pattern.compile("(clone|clone3|fork|vfork)\\(.* = (\\d+)$");
    /** Its process has ended before it came back. */
    private static final Pattern CUT_FORK =
            Pattern.compile("(clone|clone3|fork|vfork)\\(.*(<unfinished \\.\\.\\.>|= \\?).*");

    /** Calls that get or give numbers of threads. In others such a number is another one that happens to be the same. */
    private static final Pattern NUMBERED = Pattern.compile(
            "(clone|clone3|fork|vfork|wait4|waitid|t?kill|tgkill|[gs]et\\w*id|getpgrp|set_tid_address|prlimit64|sched_\\w+)\\(.*");

    private static final Pattern ADDRESS = Pattern.compile("0x[0-9a-f]{6,}");
    private static final Pattern RANDOM = Pattern.compile("^getrandom\\(\"[^\"]*\"");
    private static final Pattern VARIABLES = Pattern.compile(" /\\* \\d+ vars \\*/");

    private CallLines() {}

    /** What {@code strace -ff} has written to files that begin with {@code prefix} in {@code folder}. */
    static Map<String, List<String>> strace(Path folder, String prefix) throws IOException {
        Map<String, List<String>> threads = new HashMap<>();
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .toList();
        }
        for (Path file : files) {
            String thread = file.getFileName().toString().substring(prefix.length());
            threads.put(
                    thread,
                    Files.readAllLines(file, StandardCharsets.UTF_8).stream()
                            .filter(line -> !line.startsWith("+++") && !line.startsWith("---"))
                            .filter(line -> !line.endsWith("<detached ...>")) // ended in the middle of it
                            .map(CallLines::plain)
                            .toList());
        }
        return threads;
    }

    /** What {@code graft syscalls -w} has written. */
    static Map<String, List<String>> graft(Path file) throws IOException {
        Map<String, List<String>> threads = new HashMap<>();
        for (String line : Files.readAllLines(file)) {
            Matcher matcher = LINE.matcher(line);
            assertThat(matcher.matches()).as(line).isTrue();
            String call = DURATION.matcher(matcher.group(2)).replaceFirst("");
            threads.computeIfAbsent(matcher.group(1), _ -> new ArrayList<>()).add(plain(call));
        }
        return threads;
    }

    /** Flags in one order, one blank before the result, and without what only strace shows. */
    private static String plain(String line) {
        // musl sets it, the kernel ignores it, strace has forgotten its name.
        String named = line.startsWith("clone(") ? line.replace("|0x400000", "|CLONE_DETACHED") : line;
        String shown = MORE.matcher(named).replaceAll("");
        String sorted = FLAGS.matcher(shown)
                .replaceAll(flags ->
                        Arrays.stream(flags.group().split("\\|")).sorted().collect(Collectors.joining("|")));
        return sorted.replaceFirst("\\) +=", ") =");
    }

    /**
     * The same for comparisons of two runs: threads by the way from the first one to them ({@code 0.2.1} is the first that
     * the second of the first has made), their numbers replaced by that, addresses left out. Without threads whose making was
     * cut by the end of their process.
     */
    static Map<String, List<String>> ofAnyRun(Map<String, List<String>> threads) {
        Map<String, List<String>> children = new HashMap<>();
        threads.forEach((thread, lines) -> children.put(thread, children(lines)));
        List<String> first = threads.keySet().stream()
                .filter(thread -> children.values().stream().noneMatch(all -> all.contains(thread)))
                .sorted(Comparator.comparing(Integer::valueOf))
                .toList();
        long cut = threads.values().stream()
                .flatMap(List::stream)
                .filter(line -> CUT_FORK.matcher(line).matches())
                .count();
        assertThat(first).as("threads that nobody has made").hasSizeBetween(1, 1 + (int) cut);
        Map<String, String> names = new LinkedHashMap<>();
        name(first.getFirst(), "0", children, names);
        Pattern numbers = Pattern.compile("(?<![\\w.])(?<!\\w-)(" + String.join("|", names.keySet()) + ")(?![\\w.])");
        Map<String, List<String>> all = new TreeMap<>();
        names.forEach((thread, name) -> all.put(
                name,
                threads.getOrDefault(thread, List.of()).stream()
                        .map(line -> withoutNumbers(line, numbers, names))
                        .toList()));
        return all;
    }

    private static List<String> children(List<String> lines) {
        return lines.stream()
                .map(FORK::matcher)
                .filter(Matcher::matches)
                .map(fork -> fork.group(2))
                .toList();
    }

    private static void name(
            String thread, String name, Map<String, List<String>> children, Map<String, String> names) {
        names.put(thread, name);
        int number = 1;
        for (String child : children.getOrDefault(thread, List.of())) {
            name(child, name + "." + number++, children, names);
        }
    }

    private static String withoutNumbers(String line, Pattern numbers, Map<String, String> names) {
        String named = NUMBERED.matcher(line).matches()
                ? numbers.matcher(line).replaceAll(thread -> "<" + names.get(thread.group()) + ">")
                : line;
        if (line.startsWith("getppid(")) {
            return "getppid() = PARENT";
        }
        if (line.startsWith("sysinfo(")) {
            return "sysinfo(MACHINE)" + line.substring(line.lastIndexOf(" = "));
        }
        // Has no argument, which only strace knows.
        String placed =
                ADDRESS.matcher(named.replace(", FIOCLEX, 0)", ", FIOCLEX)")).replaceAll("ADDRESS");
        return VARIABLES
                .matcher(RANDOM.matcher(placed).replaceFirst("getrandom(RANDOM"))
                .replaceAll("");
    }
}
