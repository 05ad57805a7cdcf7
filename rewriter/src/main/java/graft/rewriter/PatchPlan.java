package graft.rewriter;

import graft.platform.address.RemoteAddress;
import java.util.List;
import java.util.Set;

/**
 * Everything that will be written into one process's text, as a value: printed by {@code graft plan}, compared by
 * tests, applied by the patcher exactly as it stands.
 *
 * @param sites the patched places, ascending by address, not overlapping
 * @param code what the sites jump to: bytes for the code pool, by address
 * @param guards addresses of sites that guard threads while they are in the code pool: they stay while probes are switched
 *     off
 */
public record PatchPlan(List<PatchSite> sites, List<CodeBlock> code, Set<RemoteAddress> guards) {
    public PatchPlan {
        sites = List.copyOf(sites);
        code = List.copyOf(code);
        guards = Set.copyOf(guards);
    }

    /** Sites that all go when probes are switched off. */
    public PatchPlan(List<PatchSite> sites, List<CodeBlock> code) {
        this(sites, code, Set.of());
    }

    /** Bytes that belong at {@code address} in the code pool. {@code purpose} names them for people. */
    public record CodeBlock(RemoteAddress address, Code code, String purpose) {}
}
