package graft.cli.policy;

import graft.daemon.LinkRequest;
import graft.daemon.Placement;
import graft.daemon.SessionRefusal;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.MapSpec;
import graft.ebpf.object.ProgSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The programs of {@code policy.bpf.c}, as far as a policy needs them. One is in the kernel: whoever sends a signal that is to be
 * pending when a call begins has to do it there.
 */
public final class PolicyPrograms {
    private static final String JUDGE = "judge";
    private static final String CONCLUDE = "conclude";
    private static final String DELIVER = "deliver";
    private static final String TARGETS = "rule_targets";

    private final Policy policy;

    public PolicyPrograms(Policy policy) {
        this.policy = policy;
    }

    /** What is left of an object with these programs, perhaps among others. */
    public CollectionSpec object(CollectionSpec whole) {
        Map<String, ProgSpec> programs = new LinkedHashMap<>(whole.programs());
        if (!sendsSignals()) {
            programs.remove(DELIVER);
        }
        if (concluded().isEmpty()) {
            programs.remove(CONCLUDE);
        }
        Map<String, MapSpec> maps = new LinkedHashMap<>(whole.maps());
        maps.computeIfPresent(TARGETS, (_, map) -> unwritable(map));
        return whole.with(maps, programs);
    }

    /** Processes map it without the right to write. */
    private static MapSpec unwritable(MapSpec map) {
        return map.but().access(MapSpec.Access.READ_ONLY).build();
    }

    /** Whether a link is of one of these programs. */
    public static boolean isOurs(LinkRequest link) {
        return List.of(JUDGE, CONCLUDE, DELIVER).contains(link.program());
    }

    /** Each program at the calls that it is for. */
    public List<LinkRequest> links() {
        List<LinkRequest> links = new ArrayList<>();
        concluded().forEach(call -> links.add(at(CONCLUDE, Optional.of(call), LinkRequest.Edge.EXIT)));
        policy.calls().forEach(call -> links.add(at(JUDGE, Optional.of(call.name()), LinkRequest.Edge.ENTER)));
        if (sendsSignals()) {
            links.add(at(DELIVER, Optional.empty(), LinkRequest.Edge.ENTER));
        }
        return links;
    }

    private static LinkRequest at(String program, Optional<String> call, LinkRequest.Edge edge) {
        return new LinkRequest.Syscall(program, call, edge, 0);
    }

    private boolean sendsSignals() {
        return policy.rules().stream()
                .anyMatch(rule -> rule.disturbance().signal().isPresent());
    }

    private List<String> concluded() {
        return policy.rules().stream()
                .filter(rule -> rule.disturbance().endsBehind())
                .flatMap(rule -> rule.matches().stream())
                .map(match -> match.call().name())
                .filter(name -> !name.equals("exit") && !name.equals("exit_group"))
                .distinct()
                .toList();
    }

    /** What became of dividing. */
    public sealed interface Placing {
        /** Where everything runs. */
        record Placed(Placement placement) implements Placing {}

        /** Not possible, and why. */
        record Refused(SessionRefusal refusal) implements Placing {}
    }

    /** Divides a request with these programs. The one in the kernel knows its threads by itself. */
    public static Placing place(SessionRequest request) {
        boolean sends = request.object().programs().containsKey(DELIVER);
        Map<String, Placement.Place> wanted = sends ? Map.of(DELIVER, Placement.Place.KERNEL) : Map.of();
        return switch (Placement.of(request, wanted)) {
            case Placement.Division.Refused(var refusal) -> new Placing.Refused(refusal);
            case Placement.Division.Placed(var placement) ->
                new Placing.Placed(new Placement(
                        placement.inProcesses(),
                        placement.inKernel().with(List.of(), request.onRefusal()),
                        placement.shared()));
        };
    }
}
