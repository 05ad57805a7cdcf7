package graft.cli.bench;

import graft.attach.AgentImage;
import graft.daemon.LinkRequest;
import graft.daemon.Session;
import graft.daemon.SessionRequest;
import graft.ebpf.object.CollectionSpec;
import graft.platform.asm.x86_64.Decoding;
import graft.platform.asm.x86_64.X64Decoder;
import graft.platform.asm.x86_64.X64Insn;
import graft.platform.linux.ProcMem;
import graft.uprobe.AttachPoint;
import graft.uprobe.Probe;
import graft.uprobe.Resolution;
import graft.uprobe.SymbolResolver;
import graft.uprobe.TargetModules;
import java.util.ArrayList;
import java.util.List;

/** The probed places of the bench target. */
final class BenchPlaces {
    private final CollectionSpec object;
    private final int pid;
    private final long inner;

    /** Finds the instruction of the any-offset rows: the first behind the entry that can be patched. */
    BenchPlaces(CollectionSpec object, int pid) {
        this.object = object;
        this.pid = pid;
        this.inner = firstPatchable();
    }

    private long firstPatchable() {
        String function = UprobeRow.ANY_OFFSET_EMPTY.graftFunction();
        for (long offset : boundaries(function)) {
            Probe probe = new Probe(Probe.Kind.OFFSET, "", function, offset);
            LinkRequest link = new LinkRequest.Uprobe("empty", probe, 0);
            SessionRequest request = new SessionRequest(object, List.of(link), List.of(pid));
            if (Session.preview(request, AgentImage.load()) instanceof Session.Preview.Planned) {
                return offset;
            }
        }
        throw new IllegalStateException("no instruction inside " + function + " can be patched");
    }

    private List<Long> boundaries(String function) {
        AttachPoint entry = point(new Probe(Probe.Kind.ENTRY, "", function, 0));
        List<Long> offsets = new ArrayList<>();
        try (ProcMem memory = ProcMem.open(pid)) {
            byte[] code = memory.readBytes(entry.address(), Math.toIntExact(entry.size()));
            int offset = 0;
            Decoding decoding = X64Decoder.decode(code, offset, entry.address());
            while (decoding instanceof X64Insn insn && offset + insn.length() < code.length) {
                offset += insn.length();
                offsets.add((long) offset);
                decoding = X64Decoder.decode(code, offset, entry.address().plus(offset));
            }
        }
        return offsets;
    }

    /** Where graft runs the programs of {@code row}. */
    List<LinkRequest> links(UprobeRow row) {
        return row.programs().stream()
                .<LinkRequest>map(
                        attached -> new LinkRequest.Uprobe(attached.program(), probe(attached, row.graftFunction()), 0))
                .toList();
    }

    /** Where the kernel runs one of the programs of {@code row}. */
    AttachPoint kernelPoint(UprobeRow row, UprobeRow.Attached attached) {
        return point(probe(attached, row.kernelFunction()));
    }

    private Probe probe(UprobeRow.Attached attached, String function) {
        return new Probe(attached.kind(), "", function, attached.kind() == Probe.Kind.OFFSET ? inner : 0);
    }

    private AttachPoint point(Probe probe) {
        return point(pid, probe);
    }

    /** Where a probe leads to in the bench target. */
    static AttachPoint point(int pid, Probe probe) {
        try (TargetModules modules = TargetModules.of(pid)) {
            if (new SymbolResolver(modules).resolve(probe) instanceof Resolution.Found(var points)) {
                return points.getFirst();
            }
            throw new IllegalStateException("the bench target has no " + probe);
        }
    }
}
