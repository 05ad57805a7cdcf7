package graft.cli;

import graft.attach.AgentImage;
import graft.attach.Injection;
import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.option.AllowOption;
import graft.cli.option.TargetOptions;
import graft.daemon.LinkRequest;
import graft.daemon.SectionLinks;
import graft.daemon.Session;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.daemon.SyscallSurvey;
import graft.ebpf.object.CollectionSpec;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code graft plan}: what would be written where. Writes nothing. */
@Command(
        name = "plan",
        addMethodSubcommands = false,
        description = "Shows exactly what attaching would write into a process; writes nothing.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft plan uprobe:nginx:ngx_http_process_request -p 4711",
            "  graft plan uretprobe:libssl.so.3:SSL_read -p 4711",
            "  graft plan tool.bpf.o -p 4711 -o jsonl",
            "  graft plan syscalls -p 4711                    where its system calls can be hooked"
        })
final class PlanCommand implements Runnable {
    private static final String SYSCALLS = "syscalls";

    @Parameters(
            paramLabel = "PROBE|FILE|syscalls",
            description = "a probe, an object whose sections name its probes, or all system calls")
    private String what;

    @Mixin
    private AllowOption allow;

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        if (what.equals(SYSCALLS)) {
            target.requiredPids("plan").forEach(this::syscalls);
            return;
        }
        SessionRequest request = request();
        switch (Session.preview(request, AgentImage.load())) {
            case Session.Preview.Refused(var refusal) ->
                throw SessionProblems.of(refusal).failure();
            case Session.Preview.Planned(var injections) -> print(injections);
        }
    }

    private void syscalls(int pid) {
        try {
            SyscallPlanPrinter printer = new SyscallPlanPrinter(target.out(), SyscallSurvey.of(pid));
            switch (target.format()) {
                case text -> printer.text();
                case json, jsonl -> printer.jsonLines();
            }
        } catch (NoSuchProcessException | SysException failed) {
            throw SessionProblems.of(new SessionRefusal.TargetGone(pid, failed.getMessage()))
                    .failure();
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
        return new SessionRequest(object, links.links(), pids).allowing(allow.permissions());
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
