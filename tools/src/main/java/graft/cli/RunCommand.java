package graft.cli;

import graft.cli.error.Problem;
import graft.cli.option.TargetOptions;
import graft.daemon.LinkRequest;
import graft.daemon.SectionLinks;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.uprobe.Probe;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft run}: runs a libbpf object in processes, then prints its maps. */
@Command(
        name = "run",
        description = "Runs the programs of an eBPF object in processes, until Ctrl-C; then prints its maps.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft run count.bpf.o -p 4711 -d 10s",
            "  graft run count.bpf.o -- ./server --port 8080",
            "  graft run count.bpf.o -p 4711 --where kernel",
            "  graft run tool.bpf.o --attach on_call=uprobe:libc.so.6:malloc -p 4711"
        })
final class RunCommand implements Callable<Integer> {
    /** Where programs run. */
    enum Where {
        user,
        kernel
    }

    @Parameters(index = "0", paramLabel = "FILE", description = "an object built for BPF by clang or gcc")
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

    @Option(names = "--where", paramLabel = "PLACE", description = "user: in the processes (default); kernel")
    private Where where = Where.user;

    @Mixin
    private TargetOptions target;

    @Override
    public Integer call() {
        CollectionSpec object = ObjectFiles.file(file);
        List<LinkRequest> links = links(object);
        if (!command.isEmpty()) {
            return StartedCommand.run(object, links, command, reporter());
        }
        List<Integer> pids = target.requiredPids("run");
        SessionRequest request = new SessionRequest(object, links, pids);
        switch (where) {
            case user -> inProcesses(request);
            case kernel -> KernelRun.run(request, target.duration(), reporter());
        }
        return 0;
    }

    private MapReporter reporter() {
        return new MapReporter(target);
    }

    private void inProcesses(SessionRequest request) {
        try (LiveSession live = LiveSession.open(request)) {
            reporter().attached(live.session());
            live.await(target.duration());
            reporter().finished(live);
        }
    }

    private List<LinkRequest> links(CollectionSpec object) {
        SectionLinks sections = SectionLinks.of(object);
        List<LinkRequest> links = new ArrayList<>(sections.links());
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

    private static LinkRequest explicit(CollectionSpec object, String program, String place) {
        ProgSpec known = object.programs().get(program);
        if (known == null) {
            throw Problem.of("L007", "no program " + program)
                    .because("the object has: "
                            + String.join(", ", object.programs().keySet()))
                    .failure();
        }
        Probe probe = ProbeText.parse(place);
        return new LinkRequest.Uprobe(program, probe, 0);
    }
}
