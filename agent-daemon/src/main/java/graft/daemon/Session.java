package graft.daemon;

import graft.attach.AgentImage;
import graft.attach.AttachResult;
import graft.attach.Attacher;
import graft.attach.Attachment;
import graft.attach.DetachProof;
import graft.attach.Injection;
import graft.attach.Refusal;
import graft.attach.TargetInspection;
import graft.daemon.image.SyscallScope;
import graft.daemon.image.TargetImage;
import graft.ebpf.maps.BpfMap;
import graft.platform.linux.SysException;
import graft.platform.proc.NoSuchProcessException;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import graft.uprobe.AttachPoint;
import graft.uprobe.TargetModules;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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
    private final Map<Attachment, List<PlacedLink>> placed;
    private final List<SessionRefusal.SiteRefused> skipped;
    private final AtomicInteger links;
    private Optional<LateLibraries> late = Optional.empty(); // set before anybody else has the session
    private Optional<ForkedTargets> forked = Optional.empty(); // the same
    private Optional<SyscallFollower> follower = Optional.empty(); // the same
    private final SessionSwitch probes = new SessionSwitch();
    private final Queue<Executed> executed = new ConcurrentLinkedQueue<>();
    private final AtomicReference<MissedCalls> missedLate = // by what was taken out with its library
            new AtomicReference<>(MissedCalls.NOTHING);
    private final Set<Attachment> ended = new HashSet<>(); // guarded by this
    private final long openedNanos = System.nanoTime();
    private Optional<List<DetachProof>> proofs = Optional.empty();
    private MissedCalls missed = MissedCalls.NOTHING; // guarded by this

    private Session(
            Collection collection,
            Map<Attachment, List<PlacedLink>> placed,
            List<SessionRefusal.SiteRefused> skipped,
            int links) {
        this.skipped = new CopyOnWriteArrayList<>(skipped);
        this.links = new AtomicInteger(links);
        this.collection = collection;
        this.attachments = new CopyOnWriteArrayList<>(placed.keySet());
        this.placed = new ConcurrentHashMap<>(placed);
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
        SessionRequest request = Prints.expanded(SyscallWatch.expanded(SessionSections.expanded(asked)));
        return switch (load(request, Map.of())) {
            case Collection.Loading.Refused(var refusal) -> new Preview.Refused(refusal);
            case Collection.Loading.Loaded(var collection) -> {
                try (collection) {
                    yield switch (assembleAll(request, collection, agent, late(request))) {
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
        SessionRequest request = Prints.expanded(SyscallWatch.expanded(SessionSections.expanded(asked)));
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
        return Collection.load(request.object(), wanted, given, request.allowed());
    }

    private sealed interface Assemblies {
        record Ready(List<TargetImage.Assembly.Assembled> images) implements Assemblies {}

        record Refused(SessionRefusal refusal) implements Assemblies {}
    }

    private static Assemblies assembleAll(
            SessionRequest request,
            Collection collection,
            AgentImage agent,
            Map<Integer, List<LinkRequest.Uprobe>> late) {
        List<TargetImage.Assembly.Assembled> images = new ArrayList<>();
        for (int pid : request.pids()) {
            List<LinkRequest> present = new ArrayList<>(request.links());
            present.removeAll(late.getOrDefault(pid, List.of()));
            if (present.isEmpty()) {
                continue;
            }
            if (TargetInspection.inspect(pid) instanceof TargetInspection.Refused(var refusal)) {
                return new Assemblies.Refused(new SessionRefusal.TargetRefused(pid, refusal));
            }
            try {
                switch (TargetImage.assemble(pid, request.with(present), collection, agent)) {
                    case TargetImage.Assembly.Assembled assembled -> images.add(assembled);
                    case TargetImage.Assembly.Refused(var refusal) -> {
                        return new Assemblies.Refused(refusal);
                    }
                }
            } catch (NoSuchProcessException gone) {
                return new Assemblies.Refused(new SessionRefusal.TargetGone(pid, gone.getMessage()));
            } catch (SysException failed) {
                return new Assemblies.Refused(new SessionRefusal.TargetGone(pid, failed.getMessage()));
            } catch (UncheckedIOException failed) {
                if (failed.getCause() instanceof NoSuchFileException file
                        && file.getFile().startsWith("/proc/" + pid + "/")) { // it is about to run another program
                    return new Assemblies.Refused(new SessionRefusal.TargetGone(pid, failed.getMessage()));
                }
                throw failed;
            }
        }
        return new Assemblies.Ready(images);
    }

    private static Opening attachAll(
            SessionRequest request, Collection collection, AgentImage agent, Attacher attacher) {
        Map<Integer, List<LinkRequest.Uprobe>> late = late(request);
        collection.startTimers();
        return switch (assembleAll(request, collection, agent, late)) {
            case Assemblies.Refused(var refusal) -> new Opening.Refused(refusal);
            case Assemblies.Ready(var images) ->
                switch (attachAll(images, collection, image -> {
                    SessionRequest one = request.with(List.of(image.injection().pid()), request.onRefusal());
                    return attach(image, () -> assembleAll(one, collection, agent, late), attacher);
                })) {
                    case Opening.Refused refused -> refused;
                    case Opening.Opened(var session) -> session.await(request, late, agent, attacher);
                };
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
        Map<Attachment, List<PlacedLink>> attached = new LinkedHashMap<>();
        List<SessionRefusal.SiteRefused> skipped = new ArrayList<>();
        int links = 0;
        for (TargetImage.Assembly.Assembled one : planned) {
            Attempt attempt = attach.apply(one);
            TargetImage.Assembly.Assembled image = attempt.image();
            links += image.links();
            Optional<SessionRefusal> refusal = switch (attempt.result()) {
                case AttachResult.Attached(var attachment, var _) -> {
                    attached.put(attachment, image.placed());
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
                attached.keySet().forEach(Attachment::detach);
                return new Opening.Refused(refusal.get());
            }
        }
        return new Opening.Opened(new Session(collection, attached, skipped, links));
    }

    /** The links of libraries that are to be waited for, by process. */
    private static Map<Integer, List<LinkRequest.Uprobe>> late(SessionRequest request) {
        Map<Integer, List<LinkRequest.Uprobe>> late = new LinkedHashMap<>();
        if (request.onMissing() == SessionRequest.OnMissing.WAIT) {
            for (int pid : request.pids()) {
                try (TargetModules modules = TargetModules.of(pid)) {
                    List<LinkRequest.Uprobe> missing = request.links().stream()
                            .filter(LinkRequest.Uprobe.class::isInstance)
                            .map(LinkRequest.Uprobe.class::cast)
                            .filter(link -> modules.named(link.probe().module()).isEmpty())
                            .toList();
                    if (!missing.isEmpty()) {
                        late.put(pid, missing);
                    }
                } catch (NoSuchProcessException | SysException | UncheckedIOException _) {
                    // Whoever attaches to the process says so.
                }
            }
        }
        return late;
    }

    /** Begins to wait for libraries, if there are any to wait for. */
    private Opening await(
            SessionRequest request,
            Map<Integer, List<LinkRequest.Uprobe>> missing,
            AgentImage agent,
            Attacher attacher) {
        if (request.onFork() == ForkedChildren.FOLLOWED) {
            forked = Optional.of(new ForkedTargets(this::attachments, collection, this::over));
        }
        Map<Integer, LoaderWatch> watches = new LinkedHashMap<>();
        for (Map.Entry<Integer, List<LinkRequest.Uprobe>> of : missing.entrySet()) {
            switch (LoaderWatch.open(of.getKey(), agent, attacher)) {
                case LoaderWatch.Opening.Watched(var watch) -> watches.put(of.getKey(), watch);
                case LoaderWatch.Opening.Refused(var reason) -> {
                    watches.values().forEach(LoaderWatch::close);
                    detach();
                    return new Opening.Refused(new SessionRefusal.LoaderNotWatched(
                            of.getKey(), of.getValue().getFirst().probe(), reason));
                }
            }
        }
        if (!missing.isEmpty()) {
            LateLibraries.Links links = new LateLibraries.Links() {
                @Override
                public Optional<LateAttachment> attach(int pid, List<LinkRequest> wanted) {
                    SyscallScope scope = SyscallScope.everywhere(SessionRequest.OnMissing.WAIT);
                    return attachLate(pid, request.with(wanted), scope, agent, attacher);
                }

                @Override
                public void detach(LateAttachment gone) {
                    detachLate(gone);
                }
            };
            late = Optional.of(new LateLibraries(missing, watches, links));
        }
        follower = SyscallWatch.of(collection)
                .map(watch -> new SyscallFollower(watch, followed(request, agent, attacher)));
        follower.ifPresent(one -> request.pids().forEach(one::look)); // what came while it was attached to
        return new Opening.Opened(this);
    }

    /** What is hooked later gets the programs at system calls. */
    private SyscallFollower.Targets followed(SessionRequest request, AgentImage agent, Attacher attacher) {
        SessionRequest calls = request.with(request.links().stream()
                .filter(LinkRequest.Syscall.class::isInstance)
                .toList());
        return new SyscallFollower.Targets() {
            @Override
            public Optional<LateAttachment> attach(int pid, SyscallScope scope) {
                return attachLate(pid, calls, scope, agent, attacher);
            }

            @Override
            public void detach(LateAttachment gone) {
                detachLate(gone);
            }

            @Override
            public void executed(Executed one) {
                findEnded();
                collection.targetEnded(one.pid()); // what the program before held
                executed.add(one);
            }

            @Override
            public void lost(int pid, String why) {
                skipped.add(new SessionRefusal.SiteRefused(
                        pid, "program of process " + pid, why, "trace that process by itself: -p PID"));
            }
        };
    }

    /** On the thread that waits for libraries. What cannot be attached is listed with what was left out. */
    private Optional<LateAttachment> attachLate(
            int pid, SessionRequest request, SyscallScope scope, AgentImage agent, Attacher attacher) {
        SessionRequest lenient = request.with(List.of(pid), SessionRequest.OnRefusal.SKIP);
        try {
            switch (TargetImage.assemble(pid, lenient, collection, agent, scope)) {
                case TargetImage.Assembly.Refused(SessionRefusal.NoSyscallSite _) -> {
                    // it makes none of the calls that were asked for
                }
                case TargetImage.Assembly.Refused(var refusal) -> skipped.add(LateRefusals.of(pid, lenient, refusal));
                case TargetImage.Assembly.Assembled planned -> {
                    Attempt attempt = attach(planned, () -> again(pid, lenient, scope, agent), attacher);
                    TargetImage.Assembly.Assembled image = attempt.image();
                    switch (attempt.result()) {
                        case AttachResult.Attached(var attachment, var _) -> {
                            placed.put(attachment, image.placed());
                            attachments.add(attachment);
                            probes.joined(attachment);
                            skipped.addAll(image.skipped());
                            links.addAndGet(image.links());
                            return Optional.of(new LateAttachment(attachment, image.links()));
                        }
                        case AttachResult.Refused(var why) ->
                            skipped.add(LateRefusals.of(pid, lenient, new SessionRefusal.TargetRefused(pid, why)));
                        case AttachResult.TargetGone _ -> {
                            // The session ends with its targets.
                        }
                    }
                }
            }
        } catch (NoSuchProcessException | SysException _) {
            // The same.
        }
        return Optional.empty();
    }

    private Assemblies again(int pid, SessionRequest request, SyscallScope scope, AgentImage agent) {
        return switch (TargetImage.assemble(pid, request, collection, agent, scope)) {
            case TargetImage.Assembly.Refused(var refusal) -> new Assemblies.Refused(refusal);
            case TargetImage.Assembly.Assembled assembled -> new Assemblies.Ready(List.of(assembled));
        };
    }

    /** Ended long ago, with nothing left that it has forked. What cannot be cleared away is tried again at the end. */
    private void over(Attachment attachment) {
        if (attachment.detach().outcome() == DetachProof.Outcome.TARGET_GONE) {
            findEnded();
            forget(attachment);
        }
    }

    private synchronized void forget(Attachment attachment) {
        attachments.remove(attachment);
        placed.remove(attachment);
        ended.remove(attachment);
    }

    /** On the same thread. What cannot be taken out now is tried again when the session is closed. */
    private void detachLate(LateAttachment gone) {
        missedLate.accumulateAndGet(MissedCalls.of(gone.attachment()), MissedCalls::plus);
        DetachProof proof = gone.attachment().detach();
        if (proof.outcome() == DetachProof.Outcome.RESTORED
                && proof.quarantined().isEmpty()) {
            attachments.remove(gone.attachment());
            placed.remove(gone.attachment());
            links.addAndGet(-gone.links());
        }
    }

    /** The places of libraries that no process has loaded so far. */
    public List<String> unloaded() {
        return late.stream()
                .flatMap(libraries -> libraries.unloaded().stream())
                .map(one -> one.link().probe() + " (pid " + one.pid() + ")")
                .toList();
    }

    /** The object's live form. */
    public Collection collection() {
        return collection;
    }

    /** One per target, in the order of the request. */
    public List<Attachment> attachments() {
        return List.copyOf(attachments);
    }

    /** The places of user-space probes, over all targets. */
    public List<AttachPoint> points() {
        return attachments.stream()
                .flatMap(attachment -> placed.getOrDefault(attachment, List.of()).stream())
                .flatMap(link -> link.point().stream())
                .toList();
    }

    /** The programs at their places in living processes, without those that were left out. */
    public List<PlacedLink> placed() {
        return attachments.stream()
                .filter(Attachment::isAlive)
                .flatMap(attachment -> placed.getOrDefault(attachment, List.of()).stream())
                .filter(link -> skipped.stream().noneMatch(left -> left.pid() == link.pid() && link.isAt(left.site())))
                .toList();
    }

    /** The processes that it looks into. */
    public Set<Integer> pids() {
        Set<Integer> pids = new LinkedHashSet<>();
        attachments.forEach(attachment -> pids.add(attachment.facts().pid()));
        late.ifPresent(libraries -> pids.addAll(libraries.pids()));
        return pids;
    }

    /** Programs at places, over all targets. */
    public int links() {
        return links.get();
    }

    /** Places that were left out because they cannot be probed safely. */
    public List<SessionRefusal.SiteRefused> skipped() {
        return List.copyOf(skipped);
    }

    /** Whether at least one target still lives, or a process that it has forked and that is traced. Those that have ended are looked after first: {@link #endedTargets}. */
    public boolean hasLiveTarget() {
        endedTargets();
        return attachments.stream().anyMatch(Attachment::isAlive)
                || late.filter(LateLibraries::hasLiveTarget).isPresent()
                || follower.filter(SyscallFollower::isBusy).isPresent()
                || forked.filter(targets -> !targets.present().isEmpty()).isPresent();
    }

    /**
     * The targets that have ended, by process id. What such a process held in the maps is freed when it is first found:
     * the others would wait for its locks, and the reader for its records.
     */
    public synchronized Set<Integer> endedTargets() {
        forked.ifPresent(ForkedTargets::present);
        return findEnded();
    }

    private synchronized Set<Integer> findEnded() {
        Set<Integer> pids = new LinkedHashSet<>();
        Set<Integer> alive = new HashSet<>();
        for (Attachment attachment : attachments.reversed()) { // the later program of a process first
            int pid = attachment.facts().pid();
            if (attachment.isAlive()) {
                alive.add(pid);
            } else {
                pids.add(pid);
                if (ended.add(attachment) && !alive.contains(pid)) {
                    collection.targetEnded(pid);
                }
            }
        }
        pids.removeAll(alive);
        return pids;
    }

    /** The programs that followed processes have executed since this was last asked. */
    public List<Executed> executed() {
        List<Executed> all = new ArrayList<>();
        for (Executed one = executed.poll(); one != null; one = executed.poll()) {
            all.add(one);
        }
        return all;
    }

    /** Nanoseconds since the session was opened. */
    public long ageNanos() {
        return System.nanoTime() - openedNanos;
    }

    /**
     * Gives all targets their own text back, in one stop of each, and keeps everything else: until {@link #switchOn} no program
     * runs, and calls cost what they cost without probes. Maps and what is in them stay.
     *
     * @return those that are not as they should be; in them no program runs either
     */
    public List<SessionRefusal.TargetRefused> switchOff() {
        return probes.off(this::attachments);
    }

    /** The opposite. @return those whose programs still do not run, because something else is at a place meanwhile */
    public List<SessionRefusal.TargetRefused> switchOn() {
        return probes.on(this::attachments);
    }

    /** Takes everything out of the targets and measures that it did; the maps stay readable until {@link #close}. */
    public List<DetachProof> detach() {
        follower.ifPresent(SyscallFollower::close); // nothing is followed from here on
        return detachAll();
    }

    private synchronized List<DetachProof> detachAll() {
        if (proofs.isEmpty()) {
            List<DetachProof> ofWatches =
                    late.map(LateLibraries::detach).orElse(List.of()); // nothing is attached late from here on
            missed = attachments.stream().map(MissedCalls::of).reduce(missedLate.get(), MissedCalls::plus);
            List<DetachProof> all = new ArrayList<>();
            attachments.forEach(attachment -> all.add(attachment.detach()));
            all.addAll(ofWatches);
            proofs = Optional.of(List.copyOf(all));
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
