package graft.cli;

import graft.attach.AgentImage;
import graft.attach.Injection;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.option.TargetOptions;
import graft.daemon.LinkRequest;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft plan}: what would be written where. Writes nothing. */
@Command(
        name = "plan",
        description = "Shows exactly what attaching would write into a process; writes nothing.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft plan uprobe:nginx:ngx_http_process_request -p 4711",
            "  graft plan uretprobe:libssl.so.3:SSL_read -p 4711",
            "  graft plan tool.bpf.o -p 4711 -o jsonl"
        })
final class PlanCommand implements Runnable {
    @Parameters(paramLabel = "PROBE|FILE", description = "a probe, or an object whose sections name its probes")
    private String what;

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        SessionRequest request = request();
        switch (Session.preview(request, AgentImage.load())) {
            case Session.Preview.Refused(var refusal) ->
                throw SessionProblems.of(refusal).failure();
            case Session.Preview.Planned(var injections) -> print(injections);
        }
    }

    private SessionRequest request() {
        List<Integer> pids = target.requiredPids("plan");
        if (ProbeText.isProbe(what)) {
            CollectionSpec counter = PackagedProgram.COUNT.spec();
            LinkRequest link = new LinkRequest.Uprobe("count", ProbeText.parse(what), 0);
            return new SessionRequest(counter, List.of(link), pids);
        }
        CollectionSpec object = ObjectFiles.file(Path.of(what));
        SectionLinks links = SectionLinks.of(object);
        if (links.links().isEmpty()) {
            throw Problem.of("L007", "nothing to attach in " + what).failure();
        }
        return new SessionRequest(object, links.links(), pids);
    }

    private void print(List<Injection> injections) {
        PlanPrinter printer = new PlanPrinter(target.out(), MachineText.explainer());
        for (Injection injection : injections) {
            switch (target.format()) {
                case text -> printer.text(injection);
                case json, jsonl -> printer.jsonLines(injection);
            }
        }
    }
}
