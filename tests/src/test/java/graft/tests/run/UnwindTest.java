package graft.tests.run;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.platform.elf.ElfFile;
import graft.platform.proc.MemoryMapping;
import graft.platform.proc.ProcessMaps;
import graft.tests.command.GraftProcess;
import graft.tests.command.GraftRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stacks of programs without frame pointers: what the unwinder of the C library finds. */
@Tag("slow")
class UnwindTest {
    private static final Pattern ROW =
            Pattern.compile("RUN\\[\\d+] = \\{function=(\\d+) bytes=(\\d+) addresses=\\[(.*)]}");
    private static final String NOWHERE = "nowhere";

    @TempDir
    private Path folder;

    /** What is found in the calls of each function, by its letter, in the order of the calls. */
    private record Traces(Map<Character, List<List<String>>> byFunction) {
        Traces() {
            this(new TreeMap<>());
        }

        void add(char function, List<String> trace) {
            byFunction.computeIfAbsent(function, _ -> new ArrayList<>()).add(trace);
        }

        List<List<String>> of(char function) {
            return byFunction.getOrDefault(function, List.of());
        }

        int count() {
            return byFunction.values().stream().mapToInt(List::size).sum();
        }
    }

    @Test
    void areWhatTheLibrarysUnwinderFinds() throws IOException {
        Path program = compiled();
        Traces expected = told(program, "calls");
        for (char function : new char[] {'j', 'w'}) { // at the return there are the callers
            expected.of(function).forEach(trace -> expected.add(Character.toUpperCase(function), callers(trace)));
        }
        expected.add('i', insideOf(program, "pushed", 1, expected));
        expected.add('a', insideOf(program, "aligning", 9, expected));

        Traces seen = seen(
                program,
                "calls",
                "at_leaf=uprobe::leaf",
                "at_last=uprobe::last",
                "at_wrapped=uprobe::wrapped",
                "inside=uprobe::pushed+1",
                "aligned=uprobe::aligning+9",
                "behind_last=uretprobe::last",
                "behind_wrapped=uretprobe::wrapped");

        assertThat(expected.count()).isGreaterThan(40);
        assertThat(seen.byFunction()).isEqualTo(expected.byFunction());
    }

    /** Without a dynamic linker, at fixed addresses. */
    @Test
    void areFoundInAStaticProgram() throws IOException {
        Path program = compiled("-static", "-no-pie");
        Traces expected = told(program, "calls");

        Traces seen =
                seen(program, "calls", "at_leaf=uprobe::leaf", "at_last=uprobe::last", "at_wrapped=uprobe::wrapped");

        assertThat(expected.count()).isGreaterThan(30);
        assertThat(seen.byFunction()).isEqualTo(expected.byFunction());
    }

    /** As lld and others lay programs out: code begins inside a page, which is mapped from its beginning on. */
    @Test
    void areFoundWhereCodeBeginsInsideAPage() throws IOException {
        String align = ". = ALIGN(CONSTANT (MAXPAGESIZE));";
        String script = new String(new ProcessBuilder("ld", "-pie", "--verbose")
                        .start()
                        .getInputStream()
                        .readAllBytes())
                .replaceFirst("(?s).*?={10,}\n", "")
                .replaceFirst("(?s)={10,}.*", "")
                .replaceFirst(Pattern.quote(align), align.replace(";", " + (. & (CONSTANT (MAXPAGESIZE) - 1));"));
        Path program = compiled("-pie", "-Wl,-T," + Files.writeString(folder.resolve("inside.lds"), script));
        try (ElfFile elf = ElfFile.open(program)) {
            assertThat(elf.segments())
                    .anyMatch(segment ->
                            segment.isExecutable() && segment.offset().value() % 4096 != 0);
        }
        Traces expected = told(program, "calls");

        Traces seen =
                seen(program, "calls", "at_leaf=uprobe::leaf", "at_last=uprobe::last", "at_wrapped=uprobe::wrapped");

        assertThat(seen.byFunction()).isEqualTo(expected.byFunction());
    }

    /** The library's unwinder ends where no table says more; code that is made at run time often has frame pointers. */
    @Test
    void leadThroughCodeWithoutTablesByFramePointers() throws IOException {
        Path program = compiled();

        Traces seen = seen(program, "made", "at_leaf=uprobe::leaf");

        List<String> through = seen.of('l').getFirst();
        List<String> behind = seen.of('l').getLast();
        assertThat(seen.of('l')).hasSize(2);
        assertThat(through).hasSameSizeAs(behind).hasSizeGreaterThan(5);
        assertThat(through.get(1)).isEqualTo(NOWHERE);
        assertThat(List.of(through.get(2), behind.get(2)))
                .allSatisfy(caller ->
                        assertThat(isIn(program, "through_made", caller)).isTrue());
        assertThat(through.subList(3, through.size())).isEqualTo(behind.subList(3, behind.size()));
    }

    /** From its constructor the way back leads through the dynamic linker, whose tables are those of a file as any other. */
    @Test
    void leadFromALibraryThatIsLoadedLaterToTheStart() throws IOException {
        Path plugin = AskedProgram.compile(folder, "plugin", "-O2", "-fomit-frame-pointer", "-shared", "-fPIC");
        Path library = folder.resolve("plugin.so");
        assertThat(plugin.toFile().renameTo(library.toFile())).isTrue();
        Path program = AskedProgram.compile(folder, "loads", "-O2", "-fomit-frame-pointer");
        String object = AskedProgram.object(folder, "optimised");
        List<String> command = List.of("run", object, "--late", "--stacks", "unwind", "--attach");
        try (AskedProgram asked = AskedProgram.start(program, library.toString(), library.toString());
                GraftProcess graft = GraftProcess.start(Stream.concat(
                                command.stream(),
                                Stream.of(
                                        "at_leaf=uprobe:plugin.so:plugin_work",
                                        "-p",
                                        asked.pid(),
                                        "--without",
                                        "at_last,at_wrapped,inside,aligned,behind_last,behind_wrapped"))
                        .toArray(String[]::new))) {
            graft.awaitLine("attached");
            assertThat(asked.answer("load")).isEqualTo("6");
            Addresses addresses = Addresses.of(asked);
            List<List<String>> traces = rows(graft.interrupt(), addresses).of('l');

            assertThat(traces).hasSize(4);
            assertThat(traces)
                    .allSatisfy(trace ->
                            assertThat(isIn(program, "_start", trace.getLast())).isTrue());
            assertThat(traces.getFirst())
                    .anyMatch(place -> place.contains("ld-linux"))
                    .hasSizeGreaterThan(10);
        }
    }

    @Test
    void areNotWalkedByTheKernel() {
        String object = AskedProgram.object(folder, "optimised");

        GraftRun refused = GraftRun.of(
                "run",
                object,
                "-p",
                "1",
                "--stacks",
                "unwind",
                "--where",
                "kernel",
                "--attach",
                "at_leaf=uprobe::leaf",
                "--without",
                "at_last,at_wrapped,inside,aligned,behind_last,behind_wrapped");
        GraftRun unknown = GraftRun.of(
                "run",
                object,
                "-p",
                "1",
                "--stacks",
                "dwarf",
                "--attach",
                "at_leaf=uprobe::leaf",
                "--without",
                "at_last,at_wrapped,inside,aligned,behind_last,behind_wrapped");

        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.errors()).contains("--stacks unwind: no program runs in a process");
        assertThat(unknown.status()).isEqualTo(2);
        assertThat(unknown.errors()).contains("--stacks dwarf: no such way to walk a stack");
    }

    /** At an instruction of a function that calls {@code leaf} there are the callers that were found from there. */
    private static List<String> insideOf(Path program, String function, long offset, Traces told) {
        List<String> trace = new ArrayList<>(callers(told.of('l').stream()
                .filter(one -> isIn(program, function, one.get(1)))
                .findFirst()
                .orElseThrow()));
        trace.set(0, place(program, function, offset));
        return trace;
    }

    private Path compiled(String... options) {
        List<String> all = new ArrayList<>(List.of("-O2", "-fomit-frame-pointer", "-pthread"));
        all.addAll(List.of(options));
        return AskedProgram.compile(folder, "optimised", all.toArray(String[]::new));
    }

    /** The traces of the library's unwinder, each from the function on. */
    private static Traces told(Path program, String what) {
        Map<Character, String> functions = Map.of('l', "leaf", 'j', "last", 'w', "wrapped");
        Traces traces = new Traces();
        try (AskedProgram asked = AskedProgram.start(program, "told")) {
            String answer = asked.answer(what);
            Addresses addresses = Addresses.of(asked);
            for (String text : answer.strip().split(" ")) {
                String[] words = text.split(",");
                List<String> trace = new ArrayList<>();
                trace.add(place(program, functions.get(words[0].charAt(0)), 0));
                Arrays.stream(words).skip(1).forEach(word -> trace.add(addresses.place(Long.parseLong(word, 16))));
                traces.add(words[0].charAt(0), trace);
            }
        }
        return traces;
    }

    /** The traces of graft's programs. */
    private Traces seen(Path program, String what, String... links) throws IOException {
        String object = AskedProgram.object(folder, "optimised");
        try (AskedProgram asked = AskedProgram.start(program)) {
            List<String> command =
                    new ArrayList<>(List.of("run", object, "-p", asked.pid(), "--stacks", "unwind", "--where", "user"));
            List<String> without = new ArrayList<>(
                    List.of("at_leaf", "at_last", "at_wrapped", "inside", "aligned", "behind_last", "behind_wrapped"));
            for (String link : links) {
                command.addAll(List.of("--attach", link));
                without.remove(link.substring(0, link.indexOf('=')));
            }
            if (!without.isEmpty()) {
                command.addAll(List.of("--without", String.join(",", without)));
            }
            try (GraftProcess graft = GraftProcess.start(command.toArray(String[]::new))) {
                graft.awaitLine("attached");
                assertThat(asked.answer(what)).isEqualTo(asked.pid());
                Addresses addresses = Addresses.of(asked);
                GraftRun run = graft.interrupt();
                assertThat(run.status()).as(run.errors()).isZero();
                return rows(run, addresses);
            }
        }
    }

    private static Traces rows(GraftRun run, Addresses addresses) {
        Traces traces = new Traces();
        Matcher row = ROW.matcher(run.output());
        while (row.find() && !row.group(1).equals("0")) {
            int depth = Integer.parseInt(row.group(2)) / Long.BYTES;
            traces.add(
                    (char) Integer.parseInt(row.group(1)),
                    Arrays.stream(row.group(3).split(", "))
                            .limit(depth)
                            .map(address -> addresses.place(Long.parseLong(address)))
                            .toList());
        }
        return traces;
    }

    private static List<String> callers(List<String> trace) {
        return trace.subList(1, trace.size());
    }

    private static String place(Path program, String function, long offset) {
        try (ElfFile elf = ElfFile.open(program)) {
            long first = elf.segments().stream()
                    .filter(segment -> segment.type() == graft.platform.elf.ElfSegment.LOAD)
                    .findFirst()
                    .orElseThrow()
                    .address()
                    .value();
            long address = elf.functions().named(function).getFirst().value().value();
            return "%s+%x".formatted(program, address + offset - first);
        }
    }

    private static boolean isIn(Path program, String function, String place) {
        String[] parts = place.split("\\+");
        long at = Long.parseLong(parts[1], 16)
                - Long.parseLong(place(program, function, 0).split("\\+")[1], 16);
        return parts[0].equals(program.toString()) && at > 0 && at < 64;
    }

    /** What is where in a process. */
    private record Addresses(ProcessMaps maps) {
        static Addresses of(AskedProgram program) {
            return new Addresses(ProcessMaps.of(Integer.parseInt(program.pid())));
        }

        /** The file and the distance from where it begins in memory. */
        String place(long address) {
            return maps.containing(new RemoteAddress(address))
                    .filter(MemoryMapping::isFile)
                    .flatMap(MemoryMapping::path)
                    .map(path -> "%s+%x".formatted(path, address - start(path)))
                    .orElse(NOWHERE);
        }

        private long start(String path) {
            return maps.ofFile(path).getFirst().start().value();
        }
    }
}
