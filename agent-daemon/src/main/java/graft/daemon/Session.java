package graft.daemon;

import graft.attach.AgentImage;
import graft.attach.AttachResult;
import graft.attach.Attacher;
import graft.attach.Attachment;
import graft.attach.DetachProof;
import graft.attach.Injection;
import graft.attach.Refusal;
import graft.attach.TargetInspection;
import graft.daemon.image.TargetImage;
import graft.ebpf.maps.BpfMap;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.AttachPoint;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Everything that one user request owns: programs, maps, links in one or more targets. The unit of undo: closing takes
 * everything back. May be used by any thread; {@link #detach} runs once.
 */
public final class Session implements AutoCloseable {
    private static final int PLANS = 10;

    private final Collection collection;
    private final List<Attachment> attachments;
    private final List<AttachPoint> points;
    private final List<SessionRefusal.SiteRefused> skipped;
    private final int links;
    private final Set<Integer> ended = new LinkedHashSet<>(); // guarded by this
    private final long openedNanos = System.nanoTime();
    private Optional<List<DetachProof>> proofs = Optional.empty();
    private MissedCalls missed = new MissedCalls(0, 0); // guarded by this

    private Session(
            Collection collection,
            List<Attachment> attachments,
            List<AttachPoint> points,
            List<SessionRefusal.SiteRefused> skipped,
            int links) {
        this.skipped = List.copyOf(skipped);
        this.links = links;
        this.collection = collection;
        this.attachments = List.copyOf(attachments);
        this.points = List.copyOf(points);
    }

    /** The outcome of opening. */
    public sealed interface Opening {
        /** Programs run in all targets. */
        record Opened(Session session) implements Opening {}

        /** Nothing is attached anywhere. */
        record Refused(SessionRefusal refusal) implements Opening {}
    }

    /** What would be put into each target, in the order of the request. */
    public sealed interface Preview {
        /** The plans. {@code sizes} of code and memory are in the injections. */
        record Planned(List<Injection> injections) implements Preview {}

        /** Not possible, and why. */
        record Refused(SessionRefusal refusal) implements Preview {}
    }

    /** Plans the request without touching any target. */
    public static Preview preview(SessionRequest asked, AgentImage agent) {
        SessionRequest request = SessionSections.expanded(asked);
        return switch (load(request, Map.of())) {
            case Collection.Loading.Refused(var refusal) -> new Preview.Refused(refusal);
            case Collection.Loading.Loaded(var collection) -> {
                try (collection) {
                    yield switch (assembleAll(request, collection, agent)) {
                        case Assemblies.Refused(var refusal) -> new Preview.Refused(refusal);
                        case Assemblies.Ready(var ready) ->
                            new Preview.Planned(ready.stream()
                                    .map(TargetImage.Assembly.Assembled::injection)
                                    .toList());
                    };
                }
            }
        };
    }

    /**
     * Loads the object, plans every target, then attaches to one after another. A refusal by any of them takes back what
     * the others got.
     *
     * @param given maps that exist already and take the place of the object's maps of the same name
     */
    public static Opening open(SessionRequest asked, Map<String, BpfMap> given, AgentImage agent, Attacher attacher) {
        SessionRequest request = SessionSections.expanded(asked);
        return switch (load(request, given)) {
            case Collection.Loading.Refused(var refusal) -> new Opening.Refused(refusal);
            case Collection.Loading.Loaded(var collection) -> {
                Opening opening = attachAll(request, collection, agent, attacher);
                if (opening instanceof Opening.Refused) {
                    collection.close();
                }
                yield opening;
            }
        };
    }

    private static Collection.Loading load(SessionRequest request, Map<String, BpfMap> given) {
        if (request.links().isEmpty()) {
            return new Collection.Loading.Refused(new SessionRefusal.NothingToAttach(
                    request.object().origin(),
                    List.copyOf(request.object().programs().keySet())));
        }
        Set<String> wanted = new LinkedHashSet<>();
        request.links().forEach(link -> wanted.add(link.program()));
        return Collection.load(request.object(), wanted, given);
    }

    private sealed interface Assemblies {
        record Ready(List<TargetImage.Assembly.Assembled> images) implements Assemblies {}

        record Refused(SessionRefusal refusal) implements Assemblies {}
    }

    private static Assemblies assembleAll(SessionRequest request, Collection collection, AgentImage agent) {
        List<TargetImage.Assembly.Assembled> images = new ArrayList<>();
        for (int pid : request.pids()) {
            if (TargetInspection.inspect(pid) instanceof TargetInspection.Refused(var refusal)) {
                return new Assemblies.Refused(new SessionRefusal.TargetRefused(pid, refusal));
            }
            try {
                switch (TargetImage.assemble(pid, request, collection, agent)) {
                    case TargetImage.Assembly.Assembled assembled -> images.add(assembled);
                    case TargetImage.Assembly.Refused(var refusal) -> {
                        return new Assemblies.Refused(refusal);
                    }
                }
            } catch (NoSuchProcessException gone) {
                return new Assemblies.Refused(new SessionRefusal.TargetGone(pid, gone.getMessage()));
            } catch (SysException failed) {
                return new Assemblies.Refused(new SessionRefusal.TargetGone(pid, failed.getMessage()));
            }
        }
        return new Assemblies.Ready(images);
    }

    private static Opening attachAll(
            SessionRequest request, Collection collection, AgentImage agent, Attacher attacher) {
        return switch (assembleAll(request, collection, agent)) {
            case Assemblies.Refused(var refusal) -> new Opening.Refused(refusal);
            case Assemblies.Ready(var images) ->
                attachAll(images, collection, image -> {
                    SessionRequest one = new SessionRequest(
                            request.object(),
                            request.links(),
                            List.of(image.injection().pid()),
                            request.onRefusal());
                    return attach(image, () -> assembleAll(one, collection, agent), attacher);
                });
        };
    }

    /** What became of one target. */
    private record Attempt(TargetImage.Assembly.Assembled image, AttachResult result) {}

    /** A busy target may map something else at the planned place meanwhile: then it is planned again. */
    private static Attempt attach(
            TargetImage.Assembly.Assembled planned, Supplier<Assemblies> again, Attacher attacher) {
        TargetImage.Assembly.Assembled image = planned;
        for (int attempt = 1; ; attempt++) {
            AttachResult result = attacher.attach(image.injection());
            boolean taken = result instanceof AttachResult.Refused(var why)
                    && why.kind() == Refusal.Kind.ADDRESS_TAKEN
                    && attempt < PLANS;
            if (!taken || !(again.get() instanceof Assemblies.Ready(var images))) {
                return new Attempt(image, result);
            }
            image = images.getFirst();
        }
    }

    private static Opening attachAll(
            List<TargetImage.Assembly.Assembled> planned,
            Collection collection,
            Function<TargetImage.Assembly.Assembled, Attempt> attach) {
        List<Attachment> attached = new ArrayList<>();
        List<AttachPoint> points = new ArrayList<>();
        List<SessionRefusal.SiteRefused> skipped = new ArrayList<>();
        int links = 0;
        for (TargetImage.Assembly.Assembled one : planned) {
            Attempt attempt = attach.apply(one);
            TargetImage.Assembly.Assembled image = attempt.image();
            links += image.links();
            Optional<SessionRefusal> refusal = switch (attempt.result()) {
                case AttachResult.Attached(var attachment, var _) -> {
                    attached.add(attachment);
                    points.addAll(image.points());
                    skipped.addAll(image.skipped());
                    yield Optional.empty();
                }
                case AttachResult.Refused(var why) ->
                    Optional.of(
                            new SessionRefusal.TargetRefused(image.injection().pid(), why));
                case AttachResult.TargetGone(var pid, var during) ->
                    Optional.of(new SessionRefusal.TargetGone(pid, during));
            };
            if (refusal.isPresent()) {
                attached.forEach(Attachment::detach);
                return new Opening.Refused(refusal.get());
            }
        }
        return new Opening.Opened(new Session(collection, attached, points, skipped, links));
    }

    /** The object's live form. */
    public Collection collection() {
        return collection;
    }

    /** One per target, in the order of the request. */
    public List<Attachment> attachments() {
        return attachments;
    }

    /** The places of user-space probes, over all targets. */
    public List<AttachPoint> points() {
        return points;
    }

    /** Programs at places, over all targets. */
    public int links() {
        return links;
    }

    /** Places that were left out because they cannot be probed safely. */
    public List<SessionRefusal.SiteRefused> skipped() {
        return skipped;
    }

    /** Whether at least one target still lives. Those that have ended are looked after first: {@link #endedTargets}. */
    public boolean hasLiveTarget() {
        endedTargets();
        return attachments.stream().anyMatch(Attachment::isAlive);
    }

    /**
     * The targets that have ended, by process id. What such a process held in the maps is freed when it is first found:
     * the others would wait for its locks, and the reader for its records.
     */
    public synchronized Set<Integer> endedTargets() {
        for (Attachment attachment : attachments) {
            int pid = attachment.facts().pid();
            if (!ended.contains(pid) && !attachment.isAlive()) {
                ended.add(pid);
                collection.targetEnded(pid);
            }
        }
        return Set.copyOf(ended);
    }

    /** Nanoseconds since the session was opened. */
    public long ageNanos() {
        return System.nanoTime() - openedNanos;
    }

    /** Takes everything out of the targets and measures that it did; the maps stay readable until {@link #close}. */
    public synchronized List<DetachProof> detach() {
        if (proofs.isEmpty()) {
            missed = new MissedCalls(
                    attachments.stream().mapToLong(Attachment::missedReturns).sum(),
                    attachments.stream().mapToLong(Attachment::missedRuns).sum());
            proofs = Optional.of(attachments.stream().map(Attachment::detach).toList());
            endedTargets();
        }
        return proofs.get();
    }

    /** What probes did not see, up to the detach. A target that has ended cannot be asked any more. */
    public synchronized MissedCalls missed() {
        return missed;
    }

    @Override
    public void close() {
        detach();
        collection.close();
    }
}
