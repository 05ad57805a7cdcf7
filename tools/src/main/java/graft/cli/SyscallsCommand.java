package graft.cli;

import graft.attach.Child;
import graft.attach.Spawn;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.option.TargetOptions;
import graft.cli.output.Footer;
import graft.cli.output.WallClock;
import graft.cli.process.Interruption;
import graft.cli.syscalls.CallPrinter;
import graft.cli.syscalls.EventReader;
import graft.cli.syscalls.KernelTrace;
import graft.cli.syscalls.ProcessFiles;
import graft.cli.syscalls.Selection;
import graft.cli.syscalls.Summary;
import graft.daemon.KernelSession;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import graft.syscalls.decode.CallText;
import graft.syscalls.decode.FilePaths;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft syscalls}: the system calls of processes. */
@Command(
        name = "syscalls",
        description = "Shows the system calls of processes, with decoded arguments and results.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft syscalls -p 4711",
            "  graft syscalls -e %%file,%%net -w calls.txt -- curl https://localhost/",
            "  graft syscalls -p 4711 --summary -d 10s",
            "  graft syscalls -p 4711 -e '!futex,epoll_wait' -o jsonl"
        })
final class SyscallsCommand implements Callable<Integer> {
    private static final Duration PAUSE = Duration.ofMillis(50);

    @Parameters(
            index = "0..*",
            arity = "0..*",
            paramLabel = "CMD",
            description = "after --: a command to start and trace")
    private List<String> command = new ArrayList<>();

    @Option(
            names = {"-e", "--expr"},
            paramLabel = "CALLS",
            split = ",",
            description = "names and groups of calls: openat, %%file, %%net, %%process; ! in front: all others")
    private List<String> expression = new ArrayList<>();

    @Option(names = "--summary", description = "count calls, errors and latencies instead of showing each call")
    private boolean summary;

    @Option(
            names = {"-s", "--bytes"},
            paramLabel = "N",
            description = "how much of texts and buffers is shown (default: 32)")
    private int shown = 32;

    @Option(names = "--fd-paths", description = "show what file descriptors are")
    private boolean paths;

    @Option(
            names = {"-w", "--write"},
            paramLabel = "FILE",
            description = "write the calls to a file")
    private Optional<Path> file = Optional.empty();

    @Option(names = "--color", paramLabel = "WHEN", description = "auto, always or never")
    private Colour colour = Colour.auto;

    @Option(names = "--where", paramLabel = "PLACE", description = "where the program runs: kernel")
    private Place place = Place.kernel;

    @Mixin
    private TargetOptions target;

    /** Values of {@code --color}. */
    private enum Colour {
        auto,
        always,
        never
    }

    /** Values of {@code --where}. */
    private enum Place {
        kernel
    }

    @Override
    public Integer call() {
        SyscallTable table = SyscallTable.x8664();
        List<Integer> pids = command.isEmpty() ? target.requiredPids("syscalls") : target.pids();
        if (shown < 0 || shown > 4000) {
            throw target.usageError("-s takes a number from 0 to 4000");
        }
        CollectionSpec object = PackagedProgram.SYSCALLS.spec();
        SessionRequest request =
                new SessionRequest(object, SectionLinks.of(object).links(), List.of());
        try (Interruption interruption = new Interruption();
                KernelSession session = open(request);
                KernelTrace trace = new KernelTrace(session)) {
            trace.trace(
                    Selection.of(table, expression),
                    shown,
                    summary ? KernelTrace.Mode.STATISTICS : KernelTrace.Mode.EVENTS,
                    target.children());
            pids.forEach(pid -> trace.follow(pid, KernelTrace.Since.NOW));
            return new Run(table, trace, interruption).run();
        }
    }

    private static KernelSession open(SessionRequest request) {
        return switch (KernelSession.open(request, Map.of())) {
            case KernelSession.Opening.Opened(var session) -> session;
            case KernelSession.Opening.Rejected rejected ->
                throw SessionProblems.of(rejected).failure();
            case KernelSession.Opening.Refused refused ->
                throw SessionProblems.of(refused).failure();
            case KernelSession.Opening.NotFound notFound ->
                throw SessionProblems.of(notFound).failure();
        };
    }

    private PrintWriter writer() {
        try {
            return file.isPresent()
                    ? new PrintWriter(Files.newBufferedWriter(file.get(), StandardCharsets.UTF_8))
                    : target.out();
        } catch (IOException e) {
            throw new UncheckedIOException("writing " + file.orElseThrow(), e);
        }
    }

    private CallPrinter.Style style() {
        return switch (target.format()) {
            case json, jsonl -> CallPrinter.Style.JSON;
            case text -> isColoured() ? CallPrinter.Style.COLOURED : CallPrinter.Style.TEXT;
        };
    }

    private boolean isColoured() {
        return switch (colour) {
            case always -> true;
            case never -> false;
            case auto ->
                file.isEmpty()
                        && System.console() != null
                        && System.console().isTerminal()
                        && System.getenv("NO_COLOR") == null;
        };
    }

    /** One trace, from the first event to the footer. */
    private final class Run {
        private final SyscallTable table;
        private final KernelTrace trace;
        private final Interruption interruption;
        private final PrintWriter out = writer();
        private final CallPrinter printer;
        private final EventReader reader;
        private final long began = System.nanoTime();
        private long calls;

        Run(SyscallTable table, KernelTrace trace, Interruption interruption) {
            this.table = table;
            this.trace = trace;
            this.interruption = interruption;
            FilePaths files = paths ? new ProcessFiles() : FilePaths.UNKNOWN;
            CallText text = new CallText(NamedConstants.x8664(), files);
            this.printer = new CallPrinter(text, WallClock.ofThisMachine(), style());
            this.reader = new EventReader(table, call -> {
                calls++;
                out.println(printer.line(call));
            });
        }

        int run() {
            if (command.isEmpty()) {
                target.err().println("tracing; Ctrl-C ends");
                readWhile(CompletableFuture.completedFuture(0));
                finish();
                return 0;
            }
            Spawn spawn = new Spawn(command, System.getenv(), Optional.empty());
            return switch (spawn.heldAtEntry(pid -> trace.follow(pid, KernelTrace.Since.ENTRY))) {
                case Spawn.Started.NotStarted(var reason, var _) ->
                    throw Problem.of("U005", "cannot start " + command.getFirst())
                            .because(reason)
                            .failure();
                case Spawn.Started.Running(var child) -> {
                    try (child) {
                        yield started(child);
                    }
                }
            };
        }

        private int started(Child child) {
            CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(
                    child::awaitExit, task -> Thread.ofPlatform().daemon().start(task));
            readWhile(exit);
            finish();
            return exit.getNow(0);
        }

        /** Until Ctrl-C, the end of the time, or the end of the processes. */
        private void readWhile(CompletableFuture<Integer> exit) {
            long deadline = target.duration()
                    .map(time -> System.nanoTime() + time.toNanos())
                    .orElse(Long.MAX_VALUE);
            while (!interruption.hasCome() && System.nanoTime() < deadline) {
                if (trace.read(PAUSE, reader::add) == 0) {
                    out.flush();
                    if (exit.isDone() && !trace.hasLiveProcess()) {
                        return;
                    }
                }
            }
        }

        private void finish() {
            trace.stop();
            while (trace.read(Duration.ZERO, reader::add) > 0) {
                out.flush();
            }
            reader.unfinished().forEach(call -> out.println(printer.line(call)));
            if (summary) {
                Summary counted = Summary.of(table, trace.statistics());
                (style() == CallPrinter.Style.JSON ? counted.json() : counted.lines()).forEach(out::println);
            }
            footer();
            out.flush();
            if (file.isPresent()) {
                out.close();
            }
        }

        private void footer() {
            Map<String, Long> lost = new LinkedHashMap<>();
            lost.put("ring full", trace.lost().getFirst());
            lost.put("no thread slot", trace.lost().getLast());
            Footer footer = new Footer(
                    Duration.ofNanos(System.nanoTime() - began),
                    trace.links(),
                    Math.max(1, target.pids().size()),
                    summary ? Optional.empty() : Optional.of(new Footer.Events(calls, lost)),
                    Footer.Missed.NOTHING,
                    Optional.empty());
            switch (style()) {
                case JSON -> out.println(footer.json());
                case TEXT, COLOURED -> footer.lines().forEach(target.err()::println);
            }
        }
    }
}
