package graft.daemon;

import graft.attach.Refusal;
import graft.bridge.KernelAttach;
import graft.bridge.KernelCollection;
import graft.bridge.KernelLink;
import graft.bridge.KernelLoad;
import graft.bridge.KernelMap;
import graft.bridge.KernelProg;
import graft.bridge.UprobePoint;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.platform.address.FileOffset;
import graft.platform.linux.PerfEvent;
import graft.platform.linux.ProcMem;
import graft.platform.proc.NoSuchProcessException;
import graft.uprobe.AttachPoint;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModule;
import graft.uprobe.TargetModules;
import graft.uprobe.usdt.StaticProbe;
import graft.uprobe.usdt.UsdtSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The same request in the kernel: its uprobes and tracepoints, its verifier, its maps. The baseline of the benchmarks and
 * the oracle of the tests. Owns everything it made; closing detaches.
 */
public final class KernelSession implements AutoCloseable {
    private static final int CHECKED_BYTES = 4;

    /** {@code int3}, which the kernel itself puts there for its other probes. */
    private static final byte BREAKPOINT = (byte) 0xcc;

    private final KernelCollection collection;
    private final List<KernelLink> links;

    private KernelSession(KernelCollection collection, List<KernelLink> links) {
        this.collection = collection;
        this.links = List.copyOf(links);
    }

    /** The outcome of opening. */
    public sealed interface Opening {
        /** Programs run. */
        record Opened(KernelSession session) implements Opening {}

        /** The kernel's verifier does not accept a program. */
        record Rejected(KernelLoad.Rejected rejection) implements Opening {}

        /** The kernel refuses the object or a link. */
        record Refused(String what, String why, String suggestion) implements Opening {}

        /** A place does not exist. */
        record NotFound(SessionRefusal refusal) implements Opening {}
    }

    /**
     * Loads the object into the kernel and attaches it as the request says; programs that only the kernel can run are
     * attached to the tracepoints of their sections.
     *
     * @param shared maps that exist already, by name
     */
    public static Opening open(SessionRequest request, Map<String, KernelMap> shared) {
        return switch (KernelCollection.load(request.object(), shared, new HashSet<>(request.pids()))) {
            case KernelLoad.Rejected rejected -> new Opening.Rejected(rejected);
            case KernelLoad.Refused(var what, var why, var suggestion) -> new Opening.Refused(what, why, suggestion);
            case KernelLoad.Loaded(var collection) -> new Attaching(collection, request).run();
        };
    }

    /** The links that are made one after another, and taken back when one fails. */
    private static final class Attaching {
        private final KernelCollection collection;
        private final SessionRequest request;
        private final List<KernelLink> links = new ArrayList<>();
        private final Optional<UsdtSpecs> specs;

        Attaching(KernelCollection collection, SessionRequest request) {
            this.collection = collection;
            this.request = request;
            this.specs = Optional.ofNullable(collection.maps().get(UsdtSpec.MAP))
                    .map(map -> new UsdtSpecs(map.spec(), (key, value) -> map.update(key, value, 0)));
        }

        Opening run() {
            Optional<Opening> failure = Optional.empty();
            for (LinkRequest link : request.links()) {
                failure = failure.or(() -> attach(link));
            }
            for (ProgSpec program : request.object().programs().values()) {
                if (program.type() == ProgType.KERNEL_TRACEPOINT) {
                    failure = failure.or(
                            () -> tracepoint(program.name(), program.target().orElse("")));
                }
            }
            if (failure.isPresent()) {
                links.forEach(KernelLink::close);
                collection.close();
            }
            return failure.orElseGet(() -> new Opening.Opened(new KernelSession(collection, links)));
        }

        private Optional<Opening> attach(LinkRequest link) {
            return switch (link) {
                case LinkRequest.Syscall syscall -> syscall(syscall);
                case LinkRequest.Uprobe uprobe -> {
                    Optional<Opening> failure = Optional.empty();
                    for (int pid : request.pids()) {
                        failure = failure.or(() -> uprobe(uprobe, pid));
                    }
                    yield failure;
                }
            };
        }

        private Optional<Opening> syscall(LinkRequest.Syscall link) {
            KernelProg program = program(link.program());
            String edge = link.edge().name().toLowerCase(Locale.ROOT);
            String call = link.syscall().orElse("");
            return link(
                    switch (program.spec().type()) {
                        case RAW_SYSCALL_ENTER, RAW_SYSCALL_EXIT ->
                            KernelLink.attachRawTracepoint(program, "sys_" + edge, link.cookie());
                        case KSYSCALL -> KernelLink.attachSyscall(program, PerfEvent.Edge.ENTRY, call, link.cookie());
                        case KRETSYSCALL ->
                            KernelLink.attachSyscall(program, PerfEvent.Edge.RETURN, call, link.cookie());
                        default ->
                            call.isEmpty()
                                    ? KernelLink.attachTracepoint(program, "raw_syscalls", "sys_" + edge, link.cookie())
                                    : KernelLink.attachTracepoint(
                                            program, "syscalls", "sys_" + edge + "_" + call, link.cookie());
                    });
        }

        private Optional<Opening> tracepoint(String program, String target) {
            int slash = target.indexOf('/');
            if (slash < 0) {
                return Optional.of(new Opening.Refused(
                        "program " + program, "its section names no tracepoint", "SEC(\"tracepoint/CATEGORY/NAME\")"));
            }
            return link(KernelLink.attachTracepoint(
                    program(program), target.substring(0, slash), target.substring(slash + 1), 0));
        }

        private Optional<Opening> uprobe(LinkRequest.Uprobe link, int pid) {
            try (TargetModules modules = TargetModules.of(pid)) {
                Resolution resolution = new SymbolResolver(modules).resolve(link.probe());
                if (!(resolution instanceof Resolution.Found(var points))) {
                    return Optional.of(new Opening.NotFound(new SessionRefusal.ProbeNotFound(pid, resolution)));
                }
                Optional<Opening> patched = patched(modules, points);
                if (patched.isPresent()) {
                    return patched;
                }
                KernelProg program = program(link.program());
                if (link.probe().kind() == Probe.Kind.STATIC) {
                    return markers(link, program, modules, points);
                }
                List<UprobePoint> places = points.stream()
                        .map(point -> new UprobePoint(edge(point), file(modules, point), point.fileOffset(), pid))
                        .toList();
                if (KernelLink.isForMany(program.spec())) {
                    return link(KernelLink.attachUprobes(program, places, link.cookie()));
                }
                Optional<Opening> failure = Optional.empty();
                for (UprobePoint place : places) {
                    failure = failure.or(() -> link(KernelLink.attachUprobe(program, place, link.cookie())));
                }
                return failure;
            } catch (NoSuchProcessException gone) {
                return Optional.of(new Opening.NotFound(new SessionRefusal.TargetGone(pid, gone.getMessage())));
            }
        }

        /**
         * The kernel runs the instruction that the file has, whatever is in memory. Where somebody has put a jump there,
         * the process would go on in the middle of it.
         */
        private static Optional<Opening> patched(TargetModules modules, List<AttachPoint> points) {
            try (ProcMem memory = ProcMem.open(modules.pid())) {
                for (AttachPoint point : points) {
                    TargetModule module = modules.holding(point.address()).orElseThrow();
                    byte[] inFile = module.elf().bytesAt(module.virtual(point.address()), CHECKED_BYTES);
                    byte[] inMemory = memory.readBytes(point.address(), CHECKED_BYTES);
                    for (int i = 0; i < CHECKED_BYTES; i++) {
                        inMemory[i] = inMemory[i] == BREAKPOINT ? inFile[i] : inMemory[i];
                    }
                    if (!Arrays.equals(inFile, inMemory)) {
                        return Optional.of(new Opening.NotFound(new SessionRefusal.TargetRefused(
                                modules.pid(),
                                new Refusal(
                                        Refusal.Kind.TEXT_DIFFERS,
                                        "the text at " + point.name() + " is not that of the file",
                                        "end the session that has patched it: graft recover, or the other tool"))));
                    }
                }
                return Optional.empty();
            }
        }

        private Optional<Opening> markers(
                LinkRequest.Uprobe link, KernelProg program, TargetModules modules, List<AttachPoint> points) {
            Optional<Opening> failure = Optional.empty();
            for (AttachPoint point : points) {
                OptionalInt number = specs.isEmpty()
                        ? OptionalInt.empty()
                        : specs.get().number(new SymbolResolver(modules).spec(point, link.cookie()));
                if (specs.isPresent() && number.isEmpty()) {
                    return Optional.of(new Opening.NotFound(specs.get().full()));
                }
                long cookie = number.isPresent() ? number.getAsInt() : link.cookie();
                UprobePoint place = new UprobePoint(
                        PerfEvent.Edge.ENTRY,
                        file(modules, point),
                        point.fileOffset(),
                        modules.pid(),
                        semaphore(modules, point));
                failure = failure.or(() -> link(KernelLink.attachUprobe(program, place, cookie)));
            }
            return failure;
        }

        private static Optional<FileOffset> semaphore(TargetModules modules, AttachPoint point) {
            return point.marker()
                    .flatMap(StaticProbe::semaphore)
                    .flatMap(counter -> modules.holding(point.address())
                            .flatMap(module -> module.elf().fileOffset(counter)));
        }

        private static Path file(TargetModules modules, AttachPoint point) {
            return modules.holding(point.address())
                    .map(TargetModule::openablePath)
                    .orElseThrow();
        }

        private static PerfEvent.Edge edge(AttachPoint point) {
            return switch (point.kind()) {
                case ENTRY, OFFSET, STATIC, LINE -> PerfEvent.Edge.ENTRY;
                case RETURN -> PerfEvent.Edge.RETURN;
            };
        }

        private KernelProg program(String name) {
            return Optional.ofNullable(collection.programs().get(name))
                    .orElseThrow(() -> new IllegalArgumentException("the object has no program " + name));
        }

        private Optional<Opening> link(KernelAttach attach) {
            return switch (attach) {
                case KernelAttach.Attached(var link) -> {
                    links.add(link);
                    yield Optional.empty();
                }
                case KernelAttach.Refused(var what, var why, var suggestion) ->
                    Optional.of(new Opening.Refused(what, why, suggestion));
            };
        }
    }

    /** The object's maps in the kernel, by name. */
    public Map<String, KernelMap> maps() {
        return collection.maps();
    }

    /** Number of attachments. */
    public int links() {
        return links.size();
    }

    /** Detaches; the maps stay readable until {@link #close}. Safe to call twice. */
    public void detach() {
        links.forEach(KernelLink::close);
    }

    @Override
    public void close() {
        detach();
        collection.close();
    }
}
