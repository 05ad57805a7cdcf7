package graft.cli;

import graft.attach.Child;
import graft.attach.Spawn;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.option.TargetOptions;
import graft.cli.output.Footer;
import graft.cli.output.Quantity;
import graft.cli.output.WallClock;
import graft.cli.policy.Injections;
import graft.cli.policy.Mode;
import graft.cli.policy.Policy;
import graft.cli.policy.PolicyMaps;
import graft.cli.policy.PolicyPrograms;
import graft.cli.process.Interruption;
import graft.cli.syscalls.CallPrinter;
import graft.cli.syscalls.EventReader;
import graft.cli.syscalls.KernelPlace;
import graft.cli.syscalls.ProcessFiles;
import graft.cli.syscalls.ProcessPlace;
import graft.cli.syscalls.Selection;
import graft.cli.syscalls.Summary;
import graft.cli.syscalls.SyscallTrace;
import graft.cli.syscalls.TracePlace;
import graft.daemon.Executed;
import graft.daemon.KernelSession;
import graft.daemon.LinkRequest;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.ebpf.verifier.Permission;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.syscalls.NamedConstants;
import graft.syscalls.SyscallTable;
import graft.syscalls.decode.CallText;
import graft.syscalls.decode.FilePaths;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft syscalls}: the system calls of processes. */
@Command(
        name = "syscalls",
        addMethodSubcommands = false,
        description = "Shows the system calls of processes, with decoded arguments and results.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft syscalls -p 4711",
            "  graft syscalls -e %%file,%%net -w calls.txt -- curl https://localhost/",
            "  graft syscalls -p 4711 --summary -d 10s",
            "  graft syscalls -p 4711 -e '!futex,epoll_wait' -o jsonl",
            "  graft syscalls -p 4711 -f --exhaustive    also those of code that is made at run time",
            "  graft syscalls -p 4711 -e %%file --inject 'openat:error=ENOENT:when=3+:path=/etc/*'"
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

    @Option(
            names = "--inject",
            paramLabel = "CALLS:HOW",
            description = "let calls fail, return something without being made, wait, get other paths or come with a "
                    + "signal, as strace does: openat:error=ENOENT:when=3+:path=/etc/*; may be repeated")
    private List<String> inject = new ArrayList<>();

    @Option(names = "--color", paramLabel = "WHEN", description = "auto, always or never")
    private Colour colour = Colour.auto;

    @Option(
            names = "--where",
            paramLabel = "PLACE",
            description =
                    "user: in the processes; kernel: in the kernel, where programs that they execute are seen, too; "
                            + "auto (default): user for running processes, kernel for a command or with -f")
    private Place place = Place.auto;

    @Option(
            names = "--exhaustive",
            description = "every call, whatever code makes it, code that a program makes itself too: in the kernel")
    private boolean exhaustive;

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
        auto,
        user,
        kernel
    }

    @Override
    public Integer call() {
        SyscallTable table = SyscallTable.x8664();
        List<Integer> pids = command.isEmpty() ? target.requiredPids("syscalls") : target.pids();
        if (shown < 0 || shown > 4000) {
            throw target.usageError("-s takes a number from 0 to 4000");
        }
        if (exhaustive && (place == Place.user || !inject.isEmpty())) {
            String other = place == Place.user ? "--where user" : "--inject";
            throw Problem.of("U001", "graft syscalls: --exhaustive and " + other + " exclude each other")
                    .because("only the kernel sees calls of any code; in processes hooked calls are seen and changed")
                    .remedy("leave out " + other + "; graft plan syscalls -p PID shows what is not hooked")
                    .failure();
        }
        if (!inject.isEmpty()) {
            if (place == Place.kernel) {
                throw target.usageError("--inject changes calls inside processes: --where user");
            }
            Policy faults = Injections.of(table, NamedConstants.x8664(), inject);
            return inUser(table, pids, those -> injecting(faults, those));
        }
        return switch (place) {
            case user -> inUser(table, pids, SyscallsCommand.this::inProcesses);
            case kernel -> inKernel(table, pids);
            case auto ->
                command.isEmpty() && target.children() == ForkedChildren.LEFT && !exhaustive
                        ? inUser(table, pids, SyscallsCommand.this::inProcesses)
                        : inKernel(table, pids);
        };
    }

    private int inKernel(SyscallTable table, List<Integer> pids) {
        CollectionSpec object = PackagedProgram.SYSCALLS.spec();
        SessionRequest request =
                new SessionRequest(object, SectionLinks.of(object).links(), List.of());
        try (Interruption interruption = new Interruption();
                KernelSession session = open(request);
                KernelPlace where = new KernelPlace(session)) {
            SyscallTrace trace = started(where, table);
            pids.forEach(pid -> trace.follow(pid, SyscallTrace.Since.NOW));
            Running running =
                    new Running(() -> !interruption.hasCome(), session.links(), List::of, () -> Optional.empty());
            Run run = new Run(table, trace, running);
            return command.isEmpty() ? run.run() : run.run(start(pid -> trace.follow(pid, SyscallTrace.Since.ENTRY)));
        }
    }

    /**
     * A session in processes.
     *
     * @param atEnd is done before the undo
     */
    private record Traced(LiveSession live, Runnable atEnd) {}

    private int inUser(SyscallTable table, List<Integer> pids, Function<List<Integer>, Traced> opening) {
        if (!command.isEmpty()) {
            return inCommand(table, opening);
        }
        Traced traced = opening.apply(pids);
        try (LiveSession live = traced.live()) {
            new MapReporter(target, live.session().collection().spec()).leftOut(live);
            return run(traced, table).run();
        }
    }

    private Traced inProcesses(List<Integer> pids) {
        CollectionSpec object = withoutKernelPrograms(PackagedProgram.SYSCALLS.spec());
        return new Traced(
                LiveSession.open(request(object, SectionLinks.of(object).links(), pids)), () -> {});
    }

    /** The same with rules for some of the calls, which run behind the program that reports. */
    private Traced injecting(Policy policy, List<Integer> pids) {
        PolicyPrograms programs = new PolicyPrograms(policy);
        CollectionSpec object = programs.object(withoutKernelPrograms(PackagedProgram.INJECT.spec()));
        List<LinkRequest> links = new ArrayList<>(programs.links());
        SectionLinks.of(object).links().stream()
                .filter(link -> !PolicyPrograms.isOurs(link))
                .forEach(links::add);
        LiveSession live = PolicySession.open(request(object, links, pids).allowing(Set.of(Permission.CHANGE)));
        PolicyMaps maps = new PolicyMaps(live.session());
        maps.write(policy);
        maps.set(Mode.ENFORCE);
        return new Traced(live, () -> told(policy, maps));
    }

    private SessionRequest request(CollectionSpec object, List<LinkRequest> links, List<Integer> pids) {
        return new SessionRequest(object, links, pids, SessionRequest.OnRefusal.SKIP)
                .with(SessionRequest.OnMissing.WAIT)
                .with(target.children());
    }

    private void told(Policy policy, PolicyMaps maps) {
        List<PolicyMaps.Counts> counts = maps.counts(policy);
        for (int i = 0; i < policy.rules().size(); i++) {
            target.err()
                    .printf(
                            "injected %s: %s times%n",
                            policy.rules().get(i).name(),
                            Quantity.count(counts.get(i).denied()));
        }
    }

    /** The programs that watch for new processes are the kernel's; the others run around the calls. */
    private static CollectionSpec withoutKernelPrograms(CollectionSpec object) {
        Map<String, ProgSpec> programs = new LinkedHashMap<>(object.programs());
        programs.values().removeIf(program -> program.type() == ProgType.KERNEL_TRACEPOINT);
        return object.with(programs);
    }

    /** The command is attached to before its first instruction. */
    private int inCommand(SyscallTable table, Function<List<Integer>, Traced> opening) {
        List<Traced> opened = new ArrayList<>();
        List<Run> runs = new ArrayList<>();
        try {
            Child child = start(pid -> {
                opened.add(opening.apply(List.of(pid)));
                runs.add(run(opened.getFirst(), table));
            });
            int exit = runs.getFirst().run(child);
            LiveSession live = opened.getFirst().live();
            new MapReporter(target, live.session().collection().spec()).leftOut(live);
            return exit;
        } finally {
            opened.forEach(traced -> traced.live().close());
        }
    }

    private Run run(Traced traced, SyscallTable table) {
        LiveSession live = traced.live();
        ProcessPlace where = new ProcessPlace(live.session(), live::detach);
        Running running = new Running(live::goesOn, live.session().links(), live.session()::executed, () -> {
            traced.atEnd().run();
            return SessionFooter.of(live).undo();
        });
        return new Run(table, started(where, table), running);
    }

    private Child start(Spawn.Preparation prepare) {
        return switch (new Spawn(command, System.getenv(), Optional.empty()).heldAtEntry(prepare)) {
            case Spawn.Started.Running(var child) -> child;
            case Spawn.Started.NotStarted(var reason, var _) ->
                throw Problem.of("U005", "cannot start " + command.getFirst())
                        .because(reason)
                        .failure();
        };
    }

    private SyscallTrace started(TracePlace where, SyscallTable table) {
        SyscallTrace trace = new SyscallTrace(where);
        trace.trace(
                Selection.of(table, expression),
                shown,
                summary ? SyscallTrace.Mode.STATISTICS : SyscallTrace.Mode.EVENTS,
                target.children());
        return trace;
    }

    /** What a run asks its session. */
    private record Running(
            BooleanSupplier goesOn,
            int links,
            Supplier<List<Executed>> executed,
            Supplier<Optional<Footer.Undone>> undone) {}

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
        private final SyscallTrace trace;
        private final Running running;
        private final PrintWriter out = writer();
        private final CallPrinter printer;
        private final EventReader reader;
        private final long began = System.nanoTime();
        private long calls;

        Run(SyscallTable table, SyscallTrace trace, Running running) {
            this.table = table;
            this.trace = trace;
            this.running = running;
            FilePaths files = paths ? new ProcessFiles() : FilePaths.UNKNOWN;
            CallText text = new CallText(NamedConstants.x8664(), files);
            this.printer = new CallPrinter(text, WallClock.ofThisMachine(), style());
            this.reader = new EventReader(table, call -> {
                calls++;
                out.println(printer.line(call));
            });
        }

        /** Processes that run already. */
        int run() {
            target.err().println("tracing; Ctrl-C ends");
            readWhile(new CompletableFuture<>());
            finish();
            return 0;
        }

        /** A command. @return its exit code */
        int run(Child started) {
            try (Child child = started) {
                CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(
                        child::awaitExit, task -> Thread.ofPlatform().daemon().start(task));
                readWhile(exit);
                finish();
                return exit.getNow(0);
            }
        }

        private void add(MemorySegment event) {
            running.executed().get().forEach(reader::executed);
            reader.add(event);
        }

        /** Until Ctrl-C, the end of the time, or the end of the processes. */
        private void readWhile(CompletableFuture<Integer> exit) {
            long deadline = target.duration()
                    .map(time -> System.nanoTime() + time.toNanos())
                    .orElse(Long.MAX_VALUE);
            while (running.goesOn().getAsBoolean() && System.nanoTime() < deadline) {
                if (trace.read(PAUSE, this::add) == 0) {
                    out.flush();
                    boolean hasEnded = command.isEmpty() || exit.isDone();
                    if (hasEnded && !trace.hasLiveProcess()) {
                        return;
                    }
                }
            }
        }

        private void finish() {
            trace.stop();
            while (trace.read(Duration.ZERO, this::add) > 0) {
                out.flush();
            }
            running.executed().get().forEach(reader::executed);
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
            Footer footer = new Footer(
                    Duration.ofNanos(System.nanoTime() - began),
                    running.links(),
                    Math.max(1, target.pids().size()),
                    summary ? Optional.empty() : Optional.of(new Footer.Events(calls, trace.lost())),
                    Footer.Missed.NOTHING,
                    running.undone().get());
            switch (style()) {
                case JSON -> out.println(footer.json());
                case TEXT, COLOURED -> footer.lines().forEach(target.err()::println);
            }
        }
    }
}
