package graft.cli;

import graft.attach.AgentImage;
import graft.cli.error.CommandFailure;
import graft.cli.error.Problem;
import graft.cli.option.AllowOption;
import graft.cli.option.StacksOption;
import graft.cli.option.TargetOptions;
import graft.daemon.AttachObstacle;
import graft.daemon.LinkRequest;
import graft.daemon.Placement;
import graft.daemon.ProgramTypes;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.daemon.SlowPlaces;
import graft.daemon.StackWalk;
import graft.ebpf.btf.Btf;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.uprobe.Probe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft run}: runs a libbpf object in processes, then prints its maps. */
@Command(
        name = "run",
        addMethodSubcommands = false,
        description = "Runs the programs of an eBPF object in processes, until Ctrl-C; then prints its maps.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft run count.bpf.o -p 4711 -d 10s",
            "  graft run opensnoop -p 4711",
            "  graft run count.bpf.o -- ./server --port 8080",
            "  graft run count.bpf.o -p 4711 --where kernel",
            "  graft run both.bpf.o -p 4711 --where on_open=kernel",
            "  graft run tool.bpf.o --attach on_call=uprobe:libc.so.6:malloc -p 4711",
            "  graft run refuse.bpf.o --allow change -p 4711    may override functions",
            "  graft run tool.bpf.o --without on_packet -p 4711",
            "  graft run tool.bpf.o --stacks unwind -p 4711    stacks through optimised code"
        })
final class RunCommand implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "FILE",
            description = "an object built for BPF by clang or gcc, or opensnoop, statsnoop, execsnoop, syscount")
    private Path file;

    @Parameters(
            index = "1..*",
            arity = "0..*",
            paramLabel = "CMD",
            description = "after --: a command to start under graft")
    private List<String> command = new ArrayList<>();

    @Option(
            names = "--attach",
            paramLabel = "PROGRAM=PROBE",
            description = "where a program runs whose section names no place; may be repeated")
    private Map<String, String> attach = new LinkedHashMap<>();

    @Option(
            names = "--cookie",
            paramLabel = "PROGRAM=NUMBER",
            description = "what bpf_get_attach_cookie gives to a program; may be repeated")
    private Map<String, String> cookies = new LinkedHashMap<>();

    @Option(names = "--late", description = "attach to places in libraries that are not loaded yet as soon as they are")
    private boolean late;

    @Option(names = "--without", paramLabel = "PROGRAM", split = ",", description = "programs to leave out")
    private List<String> without = new ArrayList<>();

    @Option(
            names = "--max-entries",
            paramLabel = "MAP=NUMBER",
            description = "another size of a map than the object has; may be repeated")
    private Map<String, String> sizes = new LinkedHashMap<>();

    @Option(
            names = "--btf",
            paramLabel = "FILE",
            description = "types of the traced program for CO-RE: BTF, or a program or library with BTF or debug "
                    + "information; BTF inside the processes' own files is used anyway")
    private List<Path> types = new ArrayList<>();

    @Option(
            names = "--where",
            paramLabel = "PLACE",
            split = ",",
            description =
                    "auto (default): in the processes what can run there and whose place can be patched, the rest in "
                            + "the kernel; kernel or user: all programs; PROGRAM=kernel: that one")
    private List<String> where = new ArrayList<>();

    @Option(
            names = "--exhaustive",
            description = "programs at system calls run for every call, whatever code makes it: in the kernel")
    private boolean exhaustive;

    @Mixin
    private AllowOption allow;

    @Mixin
    private StacksOption stacks;

    @Mixin
    private TargetOptions target;

    @Override
    public Integer call() {
        CollectionSpec object = MapSizes.applied(sizes, chosen(ObjectFiles.file(file, this::traced)));
        List<LinkRequest> links = links(object);
        Map<String, Placement.Place> places = places(object, links);
        if (!command.isEmpty()) {
            requireProcesses(placement(request(object, links, List.of()), places));
            boolean atCalls = links.stream().anyMatch(LinkRequest.Syscall.class::isInstance);
            late = late || atCalls; // its libraries come after its first instruction
            return StartedCommand.run(
                    pid -> LiveSession.open(placement(request(object, links, List.of(pid)), places)),
                    atCalls ? StartedCommand.From.ENTRY : StartedCommand.From.MAIN,
                    command,
                    reporter(object));
        }
        SessionRequest request = request(object, links, target.requiredPids("run"));
        Placement placement = placement(request, places);
        if (!placement.needsProcesses() && placement.needsKernel()) {
            stacks.requireProcesses("the kernel walks stacks by frame pointers");
            KernelRun.run(placement.inKernel(), target.duration(), reporter(object));
            return 0;
        }
        switch (LiveSession.attempt(placement)) {
            case LiveSession.Opening.Opened(var live) -> during(live, reporter(object));
            case LiveSession.Opening.Refused(SessionRefusal.SiteRefused why) -> slowly(request, places, why);
            case LiveSession.Opening.Refused(var why) ->
                throw SessionProblems.of(why).failure();
        }
        return 0;
    }

    /** Programs whose places cannot be patched go to the kernel, unless somebody wants them in the processes. */
    private void slowly(
            SessionRequest request, Map<String, Placement.Place> places, SessionRefusal.SiteRefused refusal) {
        SlowPlaces slow = (stacks.walk() == StackWalk.UNWIND // which the kernel does not
                        ? Optional.<SlowPlaces>empty()
                        : SlowPlaces.of(request, places, AgentImage.load()))
                .orElseThrow(() -> SessionProblems.of(refusal).failure());
        slow.programs()
                .forEach((program, why) -> target.err()
                        .printf(
                                "%s: by the kernel's uprobe, which takes 0.5 to 25 us a call (--where user refuses it): %s, %s%n",
                                program, why.site(), why.why()));
        MapReporter reporter = reporter(request.object());
        if (slow.placement().needsProcesses()) {
            during(LiveSession.open(slow.placement()), reporter);
        } else {
            KernelRun.run(slow.placement().inKernel(), target.duration(), reporter);
        }
    }

    /** Only the kernel sees the calls of code that cannot be hooked. */
    private Map<String, Placement.Place> places(CollectionSpec object, List<LinkRequest> links) {
        Map<String, Placement.Place> places = Places.of(where, object);
        for (LinkRequest link : exhaustive ? links : List.<LinkRequest>of()) {
            if (link instanceof LinkRequest.Syscall
                    && places.put(link.program(), Placement.Place.KERNEL) == Placement.Place.PROCESSES) {
                throw Problem.of("U001", "graft run: " + link.program() + " is to run in processes and exhaustively")
                        .because("inside processes only calls of code that can be hooked are seen")
                        .remedy("--where kernel, or without --exhaustive")
                        .failure();
            }
        }
        return places;
    }

    private SessionRequest request(CollectionSpec object, List<LinkRequest> links, List<Integer> pids) {
        return new SessionRequest(object, links, pids)
                .with(late ? SessionRequest.OnMissing.WAIT : SessionRequest.OnMissing.FAIL)
                .with(target.children())
                .allowing(allow.permissions())
                .with(stacks.walk());
    }

    /** A command is held until its process is attached to, which the kernel's programs do not ask for. */
    private static void requireProcesses(Placement placement) {
        if (!placement.needsProcesses()) {
            throw Problem.of("U001", "graft run: no program is left to run in the command's process")
                    .because("all of them are to run in the kernel, which does not hold the command")
                    .remedy("start the command, then: graft run FILE -p PID --where kernel")
                    .failure();
        }
    }

    private static Placement placement(SessionRequest request, Map<String, Placement.Place> places) {
        return switch (Placement.of(request, places)) {
            case Placement.Division.Placed(var placement)
            when placement.needsKernel() && request.onFork() == ForkedChildren.FOLLOWED ->
                throw Problem.of("U001", "graft run: programs in the kernel do not follow forked processes")
                        .because("they are told the processes that they run for")
                        .remedy("without --follow, or --where user")
                        .failure();
            case Placement.Division.Placed(var placement) -> placement;
            case Placement.Division.Refused(var refusal) ->
                throw SessionProblems.of(refusal).failure();
        };
    }

    private MapReporter reporter(CollectionSpec object) {
        return new MapReporter(target, object);
    }

    private void during(LiveSession session, MapReporter reporter) {
        try (LiveSession live = session) {
            reporter.attached(live);
            live.await(target.duration());
            reporter.finished(live);
        }
    }

    /** What CO-RE looks through before the kernel's types: the named files, then what the processes carry. */
    private List<Btf> traced() {
        List<Btf> all = new ArrayList<>();
        for (Path source : types) {
            switch (ProgramTypes.of(source)) {
                case ProgramTypes.Reading.Read(var found) -> all.add(found);
                case ProgramTypes.Reading.Missing(var why) ->
                    throw Problem.of("L010", "no types in " + source)
                            .because(why)
                            .failure();
            }
        }
        target.pids().forEach(pid -> all.addAll(ProgramTypes.inProcess(pid)));
        return all;
    }

    /** The programs that are to run; those that run where they are told are of that place's type. */
    private CollectionSpec chosen(CollectionSpec object) {
        without.forEach(name -> program(object, name));
        Map<String, ProgSpec> programs = new LinkedHashMap<>();
        for (ProgSpec program : object.programs().values()) {
            boolean isTold = attach.containsKey(program.name());
            if (!without.contains(program.name()) && (isTold || !program.isOnDemand())) {
                programs.put(program.name(), isTold ? told(program) : program);
            }
        }
        return object.with(programs);
    }

    private ProgSpec told(ProgSpec program) {
        Probe probe = ProbeText.parse(attach.get(program.name()));
        if (program.type() == ProgType.UPROBE_SESSION) {
            return program;
        }
        return AttachObstacle.canRunAtUprobes(program)
                ? program.as(probe.kind() == Probe.Kind.RETURN ? ProgType.URETPROBE : ProgType.UPROBE)
                : program;
    }

    private static ProgSpec program(CollectionSpec object, String name) {
        return Optional.ofNullable(object.programs().get(name))
                .orElseThrow(() -> Problem.of("L007", "no program " + name)
                        .because("the object has: "
                                + String.join(", ", object.programs().keySet()))
                        .failure());
    }

    private static CommandFailure refused(AttachObstacle obstacle) {
        return Problem.of("L009", "program " + obstacle.program() + " cannot be attached")
                .because("its section is " + obstacle.section() + ": " + obstacle.why())
                .remedy(obstacle.suggestion())
                .failure();
    }

    private List<LinkRequest> links(CollectionSpec object) {
        SectionLinks sections = SectionLinks.of(object);
        if (!sections.obstacles().isEmpty()) {
            throw refused(sections.obstacles().getFirst());
        }
        List<LinkRequest> links = new ArrayList<>();
        cookies.forEach((program, cookie) -> program(object, program));
        sections.links().forEach(link -> links.add(link.withCookie(cookie(link.program()))));
        attach.forEach((program, place) -> links.add(explicit(object, program, place)));
        List<String> unplaced = sections.unplaced().stream()
                .map(ProgSpec::name)
                .filter(name -> !attach.containsKey(name))
                .toList();
        if (!unplaced.isEmpty()) {
            throw Problem.of("L007", "no place is known for program " + unplaced.getFirst())
                    .because("its section is "
                            + object.programs().get(unplaced.getFirst()).section())
                    .remedy("--attach " + unplaced.getFirst() + "=uprobe:FILE:FUNCTION")
                    .failure();
        }
        return links;
    }

    private long cookie(String program) {
        String text = cookies.getOrDefault(program, "0");
        try {
            return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
        } catch (NumberFormatException _) {
            throw Problem.of("U001", "graft run: the cookie " + text + " is not a number")
                    .because("a cookie has 64 bits")
                    .remedy("--cookie " + program + "=7, or --cookie " + program + "=0x700")
                    .failure();
        }
    }

    private LinkRequest explicit(CollectionSpec object, String program, String place) {
        ProgSpec known = program(object, program);
        if (!AttachObstacle.canRunAtUprobes(known)) {
            throw Problem.of("L009", "program " + program + " cannot run at a function")
                    .because("its section is " + known.section() + ": it does not expect registers")
                    .remedy("leave --attach " + program + " out")
                    .failure();
        }
        Probe probe = ProbeText.parse(place);
        return new LinkRequest.Uprobe(program, probe, cookie(program));
    }
}
