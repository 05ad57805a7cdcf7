package graft.daemon;

import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.ProgType;
import graft.uprobe.Probe;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The links that an object asks for by its section names: {@code uprobe/libssl.so.3:SSL_write},
 * {@code tracepoint/syscalls/sys_enter_openat}. Programs whose section names no place are listed apart: the caller has to
 * say where they run, but for those that tail calls can lead to. Tracepoints of the kernel are attached there, and sections that begin with a question mark wait until
 * somebody asks for their programs.
 *
 * @param links in the order of the object's programs
 * @param unplaced programs of types that graft runs, without a place
 * @param obstacles programs of kinds that graft cannot attach
 */
public record SectionLinks(List<LinkRequest> links, List<ProgSpec> unplaced, List<AttachObstacle> obstacles) {
    private static final String ENTER = "syscalls/sys_enter_";
    private static final String EXIT = "syscalls/sys_exit_";
    private static final String EVERY = "raw_syscalls/sys_";

    /** Reads the section names of {@code object}. */
    public static SectionLinks of(CollectionSpec object) {
        List<LinkRequest> links = new ArrayList<>();
        List<ProgSpec> unplaced = new ArrayList<>();
        List<AttachObstacle> obstacles = new ArrayList<>();
        List<String> reached = TailPrograms.of(object);
        for (ProgSpec program : object.programs().values()) {
            if (program.isOnDemand() || program.type() == ProgType.KERNEL_TRACEPOINT) {
                continue;
            }
            Optional<AttachObstacle> obstacle = AttachObstacle.of(program);
            if (obstacle.isPresent()) {
                obstacles.add(obstacle.get());
            } else {
                Optional<LinkRequest> link = link(program);
                link.ifPresent(links::add);
                if (link.isEmpty() && !reached.contains(program.name())) {
                    unplaced.add(program);
                }
            }
        }
        return new SectionLinks(List.copyOf(links), List.copyOf(unplaced), List.copyOf(obstacles));
    }

    private static Optional<LinkRequest> link(ProgSpec program) {
        return switch (program.type()) {
            case UPROBE, UPROBE_SESSION -> uprobe(program, Probe.Kind.ENTRY);
            case URETPROBE -> uprobe(program, Probe.Kind.RETURN);
            case SYSCALL_ENTER -> syscall(program, ENTER, LinkRequest.Edge.ENTER);
            case SYSCALL_EXIT -> syscall(program, EXIT, LinkRequest.Edge.EXIT);
            case RAW_SYSCALL_ENTER -> everySyscall(program, LinkRequest.Edge.ENTER);
            case RAW_SYSCALL_EXIT -> everySyscall(program, LinkRequest.Edge.EXIT);
            case KSYSCALL -> syscall(program, "", LinkRequest.Edge.ENTER);
            case KRETSYSCALL -> syscall(program, "", LinkRequest.Edge.EXIT);
            case USDT -> uprobe(program, Probe.Kind.STATIC);
            case KERNEL_TRACEPOINT, OTHER -> Optional.empty();
        };
    }

    private static Optional<LinkRequest> uprobe(ProgSpec program, Probe.Kind kind) {
        return program.target()
                .map(place -> Probe.parsePlace(kind, place))
                .flatMap(parsed -> parsed instanceof Probe.Parsed.Ok(Probe probe)
                        ? Optional.of(new LinkRequest.Uprobe(program.name(), probe, 0))
                        : Optional.empty());
    }

    private static Optional<LinkRequest> syscall(ProgSpec program, String prefix, LinkRequest.Edge edge) {
        String target = program.target().orElse("");
        if (target.equals(EVERY + edge.name().toLowerCase(Locale.ROOT))) {
            return everySyscall(program, edge);
        }
        return target.startsWith(prefix) && target.length() > prefix.length()
                ? Optional.of(new LinkRequest.Syscall(
                        program.name(), Optional.of(target.substring(prefix.length())), edge, 0))
                : Optional.empty();
    }

    private static Optional<LinkRequest> everySyscall(ProgSpec program, LinkRequest.Edge edge) {
        return Optional.of(new LinkRequest.Syscall(program.name(), Optional.empty(), edge, 0));
    }
}
