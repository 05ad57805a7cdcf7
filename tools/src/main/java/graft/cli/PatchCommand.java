package graft.cli;

import graft.attach.AgentImage;
import graft.attach.Attacher;
import graft.attach.DetachProof;
import graft.attach.Injection;
import graft.cli.error.Problem;
import graft.cli.option.TargetOptions;
import graft.cli.process.Interruption;
import graft.daemon.CodePatch;
import graft.daemon.PatchRequest;
import graft.daemon.SessionRefusal;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.uprobe.Probe;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft patch}: other code in place of some of a process's. */
@Command(
        name = "patch",
        description =
                "Replaces code of a running process until Ctrl-C, or until graft undo; then restores it, with proof.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft patch server:limit --asm \"mov eax, 100; ret\" -p 4711 --dry-run",
            "  graft patch server:limit --object limit.o -p 4711 --keep",
            "  graft patch server:check+0x14 --old 7405 --bytes 9090 -p 4711 -d 10m"
        })
final class PatchCommand implements Runnable {
    private static final long CHECK_MILLIS = 100;

    @Parameters(paramLabel = "PLACE", description = "FILE:FUNCTION, FILE:FUNCTION+OFFSET, FILE:0xADDRESS")
    private String place;

    @ArgGroup(multiplicity = "1")
    private PatchSource source;

    @Option(
            names = "--old",
            paramLabel = "HEX",
            description = "the instructions that give way, exactly; default: as many whole ones as the new bytes cover")
    private Optional<String> old = Optional.empty();

    @Option(names = "--dry-run", description = "show what would be written; write nothing")
    private boolean dryRun;

    @Option(names = "--keep", description = "leave the new code in the process and end; graft undo takes it back")
    private boolean keep;

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        List<Integer> pids = target.requiredPids("patch");
        if (pids.size() != 1) {
            throw Problem.of("U001", "graft patch: " + pids.size() + " processes given")
                    .because("each has code of its own")
                    .remedy("one command for each process")
                    .failure();
        }
        PatchRequest request = request(pids.getFirst(), ProbeText.parse(place));
        if (dryRun) {
            print(request);
        } else {
            apply(request);
        }
    }

    private PatchRequest request(int pid, Probe probe) {
        if (probe.kind() == Probe.Kind.RETURN || probe.isPattern()) {
            throw Problem.of("U001", "graft patch: " + place + " is not one place")
                    .remedy("FILE:FUNCTION or FILE:FUNCTION+OFFSET")
                    .failure();
        }
        Optional<Code> expected = old.map(PatchSource::code);
        return new PatchRequest(pid, probe, source.change(pid, probe), expected);
    }

    private void print(PatchRequest request) {
        switch (CodePatch.preview(request, AgentImage.load())) {
            case CodePatch.Preview.Refused(var refusal) ->
                throw problem(refusal).failure();
            case CodePatch.Preview.Planned(var injection) -> {
                PlanPrinter printer = new PlanPrinter(target.out(), MachineText.explainer());
                switch (target.format()) {
                    case text -> printer.text(injection);
                    case json, jsonl -> printer.jsonLines(injection);
                }
            }
        }
    }

    private static Problem problem(SessionRefusal refusal) {
        return SessionProblems.of(refusal);
    }

    private void apply(PatchRequest request) {
        try (Interruption interruption = new Interruption()) { // before the process is touched
            switch (CodePatch.open(request, AgentImage.load(), new Attacher())) {
                case CodePatch.Opening.Refused(var refusal) ->
                    throw problem(refusal).failure();
                case CodePatch.Opening.Opened(var patch) -> {
                    announce(request.pid(), patch.injection());
                    if (keep) {
                        patch.keep();
                        target.err().printf("kept: graft undo %d restores it%n", request.pid());
                    } else {
                        await(patch, interruption);
                        prove(patch.detach());
                    }
                }
            }
        }
    }

    private void announce(int pid, Injection injection) {
        for (PatchSite site : injection.plan().sites()) {
            target.err()
                    .printf(
                            "process %d patched at %s %s: %s -> %s%n",
                            pid, site.address(), site.symbol(), site.oldBytes(), site.newBytes());
        }
    }

    private void await(CodePatch patch, Interruption interruption) {
        long deadline = target.duration()
                .map(Duration::toNanos)
                .map(time -> System.nanoTime() + time)
                .orElse(Long.MAX_VALUE);
        boolean stopped = false;
        while (!stopped && patch.isAlive() && System.nanoTime() < deadline) {
            long left = Math.min(CHECK_MILLIS, Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
            stopped = interruption.await(left);
        }
    }

    private void prove(DetachProof proof) {
        switch (proof.outcome()) {
            case TARGET_GONE -> target.err().println("the process has ended");
            case RESTORED ->
                target.err()
                        .printf(
                                "undone: %d/%d sites restored; %s%n",
                                proof.restored(),
                                proof.sites(),
                                proof.clean()
                                        ? "text equals the files, nothing left behind"
                                        : String.join("; ", left(proof)));
            case INCOMPLETE -> {
                Problem problem = Problem.of(
                        "T100", "undo is not proven: " + proof.restored() + " of " + proof.sites() + " sites restored");
                for (String note : proof.notes()) {
                    problem = problem.because(note);
                }
                throw problem.failure();
            }
        }
    }

    private static List<String> left(DetachProof proof) {
        return proof.quarantined().isEmpty()
                ? List.of("pages have changes that are not ours")
                : proof.quarantined().stream()
                        .map(one -> one.size() + " bytes left at " + one.address() + " (" + one.reason() + ")")
                        .toList();
    }
}
