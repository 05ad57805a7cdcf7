package graft.daemon;

import graft.attach.AgentImage;
import graft.attach.Injection;
import graft.daemon.Placement.Place;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.platform.address.RemoteAddress;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.uprobe.AttachPoint;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The slow way for programs at places that cannot be patched: the kernel's uprobes, with the same arrays. Not for returns, as
 * the kernel changes return addresses, which ends C++ programs whose exceptions pass there.
 *
 * @param placement the request with these programs in the kernel
 * @param programs why each of them is there
 */
public record SlowPlaces(Placement placement, Map<String, SessionRefusal.SiteRefused> programs) {
    /** {@code nopl 0(%rax,%rax,1)}: some kernels make a call of it that writes into the red zone. */
    private static final byte[] NOP5 = {0x0f, 0x1f, 0x44, 0, 0};

    public SlowPlaces {
        programs = Map.copyOf(programs);
    }

    /**
     * Looks for one of a request that was refused for a place.
     *
     * @param wanted programs whose place somebody has chosen, which stay there
     * @return empty when no program can go to the kernel, or it would not see all there
     */
    public static Optional<SlowPlaces> of(SessionRequest request, Map<String, Place> wanted, AgentImage agent) {
        if (request.onFork() == ForkedChildren.FOLLOWED || request.onMissing() == SessionRequest.OnMissing.WAIT) {
            return Optional.empty();
        }
        Map<String, SessionRefusal.SiteRefused> refused = new LinkedHashMap<>();
        Map<String, Place> places = new LinkedHashMap<>(wanted);
        for (ProgSpec program : request.object().programs().values()) {
            List<LinkRequest> links = request.links().stream()
                    .filter(link -> link.program().equals(program.name()))
                    .toList();
            boolean maySee = program.type() == ProgType.UPROBE
                    && !wanted.containsKey(program.name())
                    && !links.isEmpty()
                    && links.stream().allMatch(SlowPlaces::isBeforeAnInstruction);
            if (maySee
                    && Session.preview(request.with(links), agent) instanceof Session.Preview.Refused(var why)
                    && why instanceof SessionRefusal.SiteRefused site) {
                refused.put(program.name(), site);
                places.put(program.name(), Place.KERNEL);
            }
        }
        return !refused.isEmpty()
                        && Placement.of(request, places) instanceof Placement.Division.Placed(var placement)
                        && seesAll(placement, refused, agent)
                ? Optional.of(new SlowPlaces(placement, refused))
                : Optional.empty();
    }

    private static boolean isBeforeAnInstruction(LinkRequest link) {
        return link instanceof LinkRequest.Uprobe(var _, var probe, var _)
                && probe.kind() != Probe.Kind.RETURN
                && !probe.isPattern();
    }

    /** The kernel sees the instruction where the file has it, and not where a stub of ours has it. */
    private static boolean seesAll(
            Placement placement, Map<String, SessionRefusal.SiteRefused> slow, AgentImage agent) {
        List<Injection> injections = List.of();
        if (placement.needsProcesses()) {
            if (!(Session.preview(placement.inProcesses(), agent) instanceof Session.Preview.Planned(var planned))) {
                return false;
            }
            injections = planned;
        }
        List<PatchSite> sites = injections.stream()
                .flatMap(injection -> injection.plan().sites().stream())
                .toList();
        List<LinkRequest.Uprobe> links = placement.inKernel().links().stream()
                .filter(link -> slow.containsKey(link.program()))
                .map(LinkRequest.Uprobe.class::cast)
                .toList();
        return placement.inKernel().pids().stream().allMatch(pid -> isSeen(pid, links, sites));
    }

    private static boolean isSeen(int pid, List<LinkRequest.Uprobe> links, List<PatchSite> sites) {
        try (TargetModules modules = TargetModules.of(pid)) {
            SymbolResolver resolver = new SymbolResolver(modules);
            for (LinkRequest.Uprobe link : links) {
                if (!(resolver.resolve(link.probe()) instanceof Resolution.Found(var points))
                        || points.stream()
                                .anyMatch(point -> isNop(modules, point) || isMoved(point.address(), sites))) {
                    return false;
                }
            }
            return true;
        } catch (NoSuchProcessException | SysException _) {
            return false;
        }
    }

    /** Also in another process of the request, where it would be another place: then nothing is lost but a way. */
    private static boolean isMoved(RemoteAddress place, List<PatchSite> sites) {
        return sites.stream()
                .anyMatch(site ->
                        site.address().compareTo(place) <= 0 && site.movedEnd().compareTo(place) > 0);
    }

    private static boolean isNop(TargetModules modules, AttachPoint point) {
        TargetModule module = modules.holding(point.address()).orElseThrow();
        return Arrays.equals(module.elf().bytesAt(module.virtual(point.address()), NOP5.length), NOP5);
    }
}
