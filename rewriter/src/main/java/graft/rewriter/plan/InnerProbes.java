package graft.rewriter.plan;

import graft.platform.address.RemoteAddress;
import graft.platform.asm.x86_64.X64Insn;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Programs at instructions that the stub of another probe of the same function moves. Whatever leads to such an instruction
 * comes through the stub: the window was proven to have no other way in. So the stub calls them where it has the instruction.
 */
final class InnerProbes {
    private final TreeMap<RemoteAddress, List<ProgramAtSite>> expected = new TreeMap<>();
    private final Map<RemoteAddress, PatchSite> served = new HashMap<>();

    /** What the stubs of the request under way run, by the address of their window. */
    private final Map<RemoteAddress, Set<RemoteAddress>> written = new LinkedHashMap<>();

    /** The programs of the function that comes next. Those that may leave it can do so at its entry only. */
    void expect(Map<RemoteAddress, List<ProgramAtSite>> programs) {
        expected.clear();
        served.clear();
        programs.forEach((address, all) -> {
            if (all.stream().noneMatch(program -> program.effect() == ProbeCall.Effect.MAY_OVERRIDE)) {
                expected.put(address, List.copyOf(all));
            }
        });
    }

    /** The calls in front of instructions that the stub of the window at {@code window} moves. */
    Map<RemoteAddress, List<ProbeCall>> callsAt(RemoteAddress window, List<X64Insn> insns) {
        Map<RemoteAddress, List<ProbeCall>> calls = new LinkedHashMap<>();
        insns.stream()
                .map(X64Insn::address)
                .filter(expected::containsKey)
                .forEach(address -> calls.put(
                        address,
                        expected.get(address).stream()
                                .map(program -> program.call(ProbeKind.OFFSET))
                                .toList()));
        written.put(window, Set.copyOf(calls.keySet()));
        return calls;
    }

    /** The stubs of the request under way will not be used. */
    void forget() {
        written.clear();
    }

    /** Ends a request: what its sites' stubs run needs no site of its own. */
    Planned settled(Planned planned) {
        Planned result = planned;
        if (planned instanceof Planned.Patchable(var sites)) {
            List<PatchSite> told = new ArrayList<>();
            for (PatchSite site : sites) {
                Set<RemoteAddress> here =
                        Optional.ofNullable(written.get(site.address())).orElse(Set.of());
                PatchSite telling = site.alsoRunning(here);
                here.forEach(address -> served.put(address, telling));
                told.add(telling);
            }
            result = new Planned.Patchable(told);
        }
        written.clear();
        return result;
    }

    /** The site whose stub runs the programs at {@code address}. */
    Optional<PatchSite> servedBy(RemoteAddress address) {
        return Optional.ofNullable(served.get(address));
    }
}
