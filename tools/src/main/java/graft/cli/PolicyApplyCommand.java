package graft.cli;

import graft.cli.bpf.PackagedProgram;
import graft.cli.error.Problem;
import graft.cli.option.OutputFormat;
import graft.cli.option.TargetOptions;
import graft.cli.policy.Mode;
import graft.cli.policy.Policy;
import graft.cli.policy.PolicyControl;
import graft.cli.policy.PolicyFile;
import graft.cli.policy.PolicyMaps;
import graft.cli.policy.PolicyPrinter;
import graft.cli.policy.PolicyPrograms;
import graft.cli.policy.PolicyState;
import graft.cli.policy.RunningPolicy;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.verifier.Permission;
import graft.platform.linux.Signals;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft policy apply}: a policy in running processes, until Ctrl-C. */
@Command(
        name = "apply",
        description = "Applies a policy to running processes until Ctrl-C, which leaves them as they were.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft policy apply web.yaml -p 4711                 counts what it would deny",
            "  graft policy apply web.yaml -p 4711 --mode enforce --yes",
            "  graft policy apply web.yaml -p 4711,4712 --every 10s -o jsonl",
            "See also: graft policy mode, graft policy list, docs/policy.md"
        })
final class PolicyApplyCommand implements Runnable {
    private static final Duration PAUSE = Duration.ofMillis(50);
    private static final int SIGKILL = 9;

    @Parameters(paramLabel = "FILE", description = "a policy in YAML")
    private Path file;

    @Option(
            names = {"-m", "--mode"},
            paramLabel = "MODE",
            description = "off, monitor (default) or enforce")
    private String word = Mode.MONITOR.text();

    @Option(
            names = {"-y", "--yes"},
            description = "enforce at once, without having seen what is denied")
    private boolean yes;

    @Option(names = "--every", paramLabel = "TIME", description = "print the counters so often, when they have changed")
    private Optional<String> every = Optional.empty();

    @Mixin
    private TargetOptions target;

    @Override
    public void run() {
        Mode mode =
                Mode.of(word).orElseThrow(() -> target.usageError("\"" + word + "\" is not off, monitor or enforce"));
        Policy policy = PolicyFile.read(file);
        if (mode == Mode.ENFORCE && !yes) {
            throw Problem.of("P002", "policy " + policy.name() + " was never in the mode monitor")
                    .remedy("leave --mode enforce out, look at the counters, then: graft policy mode enforce")
                    .remedy("--mode enforce --yes")
                    .failure();
        }
        Optional<Duration> pause = every.map(TargetOptions::parse);
        try (LiveSession live = PolicySession.open(request(policy))) {
            PolicyMaps maps = new PolicyMaps(live.session());
            maps.write(policy);
            PolicyState state = new PolicyState(live.session(), policy, maps);
            try (PolicyControl _ = PolicyControl.open(RunningPolicy.socketOf(policy), state::answer)) {
                new MapReporter(target, PackagedProgram.POLICY.spec()).leftOut(live);
                state.set(mode);
                target.err()
                        .printf(
                                "applied: policy %s, mode %s, %d calls hooked, %d processes; Ctrl-C ends%n",
                                policy.name(),
                                mode.text(),
                                policy.calls().size(),
                                live.session().pids().size());
                new Applied(policy, live, maps).run(pause);
            }
        }
    }

    private SessionRequest request(Policy policy) {
        PolicyPrograms programs = new PolicyPrograms(policy);
        CollectionSpec object = programs.object(PackagedProgram.POLICY.spec());
        return new SessionRequest(
                        object, programs.links(), target.requiredPids("policy apply"), SessionRequest.OnRefusal.SKIP)
                .with(SessionRequest.OnMissing.WAIT)
                .with(target.children())
                .allowing(Set.of(Permission.CHANGE));
    }

    /** A policy that runs, from its first call to the footer. */
    private final class Applied {
        private final LiveSession live;
        private final Policy policy;
        private final PolicyMaps maps;
        private final PolicyPrinter printer;

        Applied(Policy policy, LiveSession live, PolicyMaps maps) {
            this.policy = policy;
            this.live = live;
            this.maps = maps;
            this.printer = new PolicyPrinter(
                    policy, target.format() == OutputFormat.text ? PolicyPrinter.Style.TEXT : PolicyPrinter.Style.JSON);
        }

        void run(Optional<Duration> pause) {
            long deadline = target.duration().map(this::after).orElse(Long.MAX_VALUE);
            List<PolicyMaps.Counts> told = maps.counts(policy);
            long next = pause.map(this::after).orElse(Long.MAX_VALUE);
            while (live.goesOn() && System.nanoTime() < deadline) {
                if (maps.read(PAUSE, this::tell) == 0) {
                    target.out().flush();
                }
                if (System.nanoTime() >= next) {
                    List<PolicyMaps.Counts> now = maps.counts(policy);
                    if (!now.equals(told)) {
                        printer.counters(now).forEach(target.out()::println);
                        told = now;
                    }
                    next = pause.map(this::after).orElse(Long.MAX_VALUE);
                }
            }
            live.detach();
            while (maps.read(Duration.ZERO, this::tell) > 0) {
                target.out().flush();
            }
            printer.counters(maps.counts(policy)).forEach(target.out()::println);
            new MapReporter(target, PackagedProgram.POLICY.spec()).footer(live);
        }

        private long after(Duration time) {
            return System.nanoTime() + time.toNanos();
        }

        private void tell(MemorySegment record) {
            target.out().println(printer.line(record));
            printer.killed(record).ifPresent(this::kill);
        }

        /** The number is what a process has written about itself: only those that the policy is applied to are ended. */
        private void kill(int pid) {
            if (live.session().attachments().stream().anyMatch(attachment -> attachment.isIn(pid))) {
                Signals.kill(pid, SIGKILL);
            }
        }
    }
}
